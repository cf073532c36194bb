"""Trials in which the relay misbehaves."""

from __future__ import annotations

from bench.chaos.round import Round
from bench.chaos.trials import trial


@trial("the relay refuses connections for a while")
def relay_refuses(this: Round) -> None:
    if this.chance.random() < 0.5:
        this.relay.set(refuse=True)  # from the beginning
    this.release()
    if not this.relay.faults.refuse:
        this.wait_for_share(0.1, 0.8)
        this.relay.set(refuse=True)
    this.pause(1.0, 5.0)
    this.relay.set(refuse=False)


@trial("the relay hangs: it takes nothing and says nothing")
def relay_hangs(this: Round) -> None:
    if this.chance.random() < 0.5:
        this.relay.set(hang="silent")
    this.release()
    if not this.relay.faults.hang:
        this.wait_for_share(0.1, 0.8)
        this.relay.set(hang="silent")
    this.pause(3.0, 8.0)
    this.relay.set(hang="")


@trial("the relay takes a letter and then says nothing, for a while")
def relay_hangs_after_dot(this: Round) -> None:
    this.release()
    this.wait_for_share(0.1, 0.8)
    this.relay.set(hang="after")
    this.pause(2.0, 6.0)
    this.relay.set(hang="")


@trial("the relay drops connections after the final dot, before its answer")
def relay_drops(this: Round) -> None:
    this.relay.set(drop=0.002)
    this.release()
    this.wait_for_share(this.chance.uniform(0.7, 0.95))
    this.relay.set(drop=0.0)


@trial("421 after every hundred letters of a connection")
def relay_limits(this: Round) -> None:
    this.relay.set(limit=100)
    this.release()
    this.wait_until_done()


@trial("10 % of addresses refused for now, 5 % for good")
def relay_refuses_addresses(this: Round) -> None:
    this.relay.set(soft=10, hard=5, soft_tries=this.chance.choice((1, 2)))
    this.refusing = this.relay.faults
    this.release()
    this.wait_until_done()
