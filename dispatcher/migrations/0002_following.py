"""Whom a brief on a topic goes to and who is not mailed, where PostgreSQL finds it at once.

Triggers keep both, so that no writer can forget it: `dispatcher_following` has a row for each topic of
each live, plain rule at once, and `is_suppressed` says of a reader what the suppressions say.
"""

from django.db import migrations, models

# Statement by statement, for rules are written by the ten thousand. A row is named by its rule, so two
# rules of one reader that share a topic come and go without regard to each other.
FOLLOW = """
CREATE FUNCTION dispatcher_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM dispatcher_following f
        USING (SELECT unnest(s.topics) AS topic_id, s.subscriber_id, s.id FROM were s
               WHERE s.ended_at IS NULL AND s.cadence = 'at once' AND s.match = 'any'
               AND s.except_topics = '{}') AS o
        WHERE f.topic_id = o.topic_id AND f.subscriber_id = o.subscriber_id AND f.subscription_id = o.id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO dispatcher_following (topic_id, subscriber_id, subscription_id)
        SELECT DISTINCT unnest(s.topics) AS topic_id, s.subscriber_id, s.id FROM are s
        WHERE s.ended_at IS NULL AND s.cadence = 'at once' AND s.match = 'any' AND s.except_topics = '{}'
        ORDER BY 1, 2, 3;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER subscription_made AFTER INSERT ON dispatcher_subscription
    REFERENCING NEW TABLE AS are FOR EACH STATEMENT EXECUTE FUNCTION dispatcher_follow();
CREATE TRIGGER subscription_changed AFTER UPDATE ON dispatcher_subscription
    REFERENCING OLD TABLE AS were NEW TABLE AS are FOR EACH STATEMENT EXECUTE FUNCTION dispatcher_follow();
CREATE TRIGGER subscription_deleted AFTER DELETE ON dispatcher_subscription
    REFERENCING OLD TABLE AS were FOR EACH STATEMENT EXECUTE FUNCTION dispatcher_follow();

INSERT INTO dispatcher_following (topic_id, subscriber_id, subscription_id)
SELECT DISTINCT unnest(topics), subscriber_id, id FROM dispatcher_subscription
WHERE ended_at IS NULL AND cadence = 'at once' AND match = 'any' AND except_topics = '{}'
ORDER BY 1, 2, 3;
-- Counting reads the index alone, where VACUUM has been lately.
ALTER TABLE dispatcher_following SET (autovacuum_vacuum_insert_scale_factor = 0.02);
"""
UNFOLLOW = """
DROP TRIGGER subscription_made ON dispatcher_subscription;
DROP TRIGGER subscription_changed ON dispatcher_subscription;
DROP TRIGGER subscription_deleted ON dispatcher_subscription;
DROP FUNCTION dispatcher_follow();
"""

# A reader's row that changes is looked at by itself, new ones together: they come by the ten thousand. A
# suppression that comes or goes only has its reader looked at again.
SUPPRESS = """
CREATE FUNCTION dispatcher_look_for_suppression() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.is_suppressed := EXISTS (
        SELECT FROM dispatcher_suppression x WHERE lower(x.address) = lower(NEW.address));
    RETURN NEW;
END $$;
CREATE TRIGGER subscriber_changed BEFORE UPDATE ON dispatcher_subscriber
    FOR EACH ROW EXECUTE FUNCTION dispatcher_look_for_suppression();

CREATE FUNCTION dispatcher_look_for_suppressions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE dispatcher_subscriber r SET is_suppressed = r.is_suppressed
    FROM are n LEFT JOIN dispatcher_suppression x ON lower(x.address) = lower(n.address)
    WHERE r.id = n.id AND n.is_suppressed <> (x.id IS NOT NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER subscriber_made AFTER INSERT ON dispatcher_subscriber
    REFERENCING NEW TABLE AS are FOR EACH STATEMENT EXECUTE FUNCTION dispatcher_look_for_suppressions();

CREATE FUNCTION dispatcher_suppress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE dispatcher_subscriber r SET is_suppressed = r.is_suppressed
    WHERE lower(r.address) IN (lower(OLD.address), lower(NEW.address));
    RETURN NULL;
END $$;
CREATE TRIGGER suppression_written AFTER INSERT OR UPDATE OR DELETE ON dispatcher_suppression
    FOR EACH ROW EXECUTE FUNCTION dispatcher_suppress();

UPDATE dispatcher_subscriber r SET is_suppressed = true
FROM dispatcher_suppression x WHERE lower(x.address) = lower(r.address);
"""
UNSUPPRESS = """
DROP TRIGGER subscriber_changed ON dispatcher_subscriber;
DROP TRIGGER subscriber_made ON dispatcher_subscriber;
DROP TRIGGER suppression_written ON dispatcher_suppression;
DROP FUNCTION dispatcher_look_for_suppression();
DROP FUNCTION dispatcher_look_for_suppressions();
DROP FUNCTION dispatcher_suppress();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Following",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "topic_id",
                        "subscriber_id",
                        "subscription_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("topic_id", models.BigIntegerField()),
                ("subscriber_id", models.BigIntegerField()),
                ("subscription_id", models.BigIntegerField()),
            ],
        ),
        migrations.AddField(
            model_name="subscriber",
            name="is_suppressed",
            field=models.BooleanField(db_default=False, editable=False),
        ),
        migrations.RunSQL(FOLLOW, UNFOLLOW),
        migrations.RunSQL(SUPPRESS, UNSUPPRESS),
        migrations.AddIndex(
            model_name="subscriber",
            index=models.Index(
                condition=models.Q(
                    models.Q(("state", "active"), _negated=True), ("is_suppressed", True), _connector="OR"
                ),
                fields=["id"],
                include=("state", "is_suppressed"),
                name="subscriber_not_mailed",
            ),
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(
                    ("cadence", "at once"),
                    ("ended_at", None),
                    models.Q(
                        ("match", "all"), models.Q(("except_topics", []), _negated=True), _connector="OR"
                    ),
                ),
                fields=["subscriber"],
                include=("match", "topics", "except_topics"),
                name="subscription_not_plain",
            ),
        ),
    ]
