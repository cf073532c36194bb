"""Consents are only ever added. Erasure and retention may take from them what tells who it was, and say so."""

from django.db import migrations, models

APPEND_ONLY = """
CREATE FUNCTION dispatcher_consent_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND current_setting('dispatcher.redacting', true) = 'on'
       AND NEW.ip_hash = '' AND (NEW.subscriber_id, NEW.act, NEW.source, NEW.wording, NEW.at)
       = (OLD.subscriber_id, OLD.act, OLD.source, OLD.wording, OLD.at) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'consents are only ever added';
END $$;
CREATE TRIGGER consent_stays BEFORE UPDATE OR DELETE ON dispatcher_consent
    FOR EACH ROW EXECUTE FUNCTION dispatcher_consent_stays();
"""
FREE = """
DROP TRIGGER consent_stays ON dispatcher_consent;
DROP FUNCTION dispatcher_consent_stays();
"""


class Migration(migrations.Migration):

    dependencies = [
        ("dispatcher", "0009_digests"),
    ]

    operations = [
        migrations.AlterField(
            model_name="consent",
            name="act",
            field=models.CharField(
                choices=[
                    ("asked", "Asked"),
                    ("confirmed", "Confirmed"),
                    ("imported", "Imported"),
                    ("added by staff", "Added"),
                    ("left", "Left"),
                    ("returned", "Returned"),
                    ("changed", "Changed"),
                    ("moved", "Moved"),
                    ("erased", "Erased"),
                ],
                max_length=16,
            ),
        ),
        migrations.RunSQL(APPEND_ONLY, FREE),
    ]
