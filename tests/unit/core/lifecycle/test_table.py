"""Every situation and every intent against its outcome, walked by both drivers.

Columns: what the request finds, what the handler asks, the store calls that follow, what the
response says of the cookie, the events, and what the client's cookie opens afterwards.
"""

from __future__ import annotations

from itertools import product

import pytest

from serverless_sessions import keyring
from serverless_sessions.testing.browser import Driver
from serverless_sessions.testing.clock import FrozenClock
from support.scenes import INTENTS, SITUATIONS, Scene

TABLE = """
anonymous       nothing         -                        -      -                            -
anonymous       get             -                        -      -                            -
anonymous       set             create                   new    created                      b=2
anonymous       delete          -                        -      -                            -
anonymous       clear           -                        -      -                            -
anonymous       mutate          -                        -      -                            -
anonymous       modify          create                   new    created                      n=1
anonymous       flash           create                   new    created                      empty
anonymous       flashes         -                        -      -                            -
anonymous       regenerate      -                        -      -                            -
anonymous       set,regenerate  create                   new    created                      b=2
anonymous       bind-alice      create                   new    created                      b=2 c=3 @alice
anonymous       bind-bob        create                   new    created                      b=2 c=3 @bob
anonymous       unbind          create                   new    created                      c=3
anonymous       destroy         -                        -      -                            -
anonymous       set,destroy,set create                   new    created                      c=3

malformed       nothing         -                        -      -                            -
malformed       get             -                        -      -                            -
malformed       set             create                   new    created                      b=2
malformed       delete          -                        -      -                            -
malformed       clear           -                        -      -                            -
malformed       mutate          -                        -      -                            -
malformed       modify          create                   new    created                      n=1
malformed       flash           create                   new    created                      empty
malformed       flashes         -                        -      -                            -
malformed       regenerate      -                        -      -                            -
malformed       set,regenerate  create                   new    created                      b=2
malformed       bind-alice      create                   new    created                      b=2 c=3 @alice
malformed       bind-bob        create                   new    created                      b=2 c=3 @bob
malformed       unbind          create                   new    created                      c=3
malformed       destroy         -                        -      -                            -
malformed       set,destroy,set create                   new    created                      c=3

unknown         nothing         -                        -      -                            -
unknown         get             load                     -      missed                       -
unknown         set             update,create            new    missed,created               b=2
unknown         delete          update                   -      missed                       -
unknown         clear           update                   -      missed                       -
unknown         mutate          load                     -      missed                       -
unknown         modify          load,create              new    missed,created               n=1
unknown         flash           update,create            new    missed,created               empty
unknown         flashes         load                     -      missed                       -
unknown         regenerate      load                     -      missed                       -
unknown         set,regenerate  load,create              new    missed,created               b=2
unknown         bind-alice      load,create              new    missed,created               b=2 c=3 @alice
unknown         bind-bob        load,create              new    missed,created               b=2 c=3 @bob
unknown         unbind          load,create              new    missed,created               c=3
unknown         destroy         delete                   clear  destroyed                    -
unknown         set,destroy,set delete,create            new    destroyed,created            c=3

expired         nothing         -                        -      -                            -
expired         get             load                     -      expired                      -
expired         set             update,create            new    missed,created               b=2
expired         delete          update                   -      missed                       -
expired         clear           update                   -      missed                       -
expired         mutate          load                     -      expired                      -
expired         modify          load,create              new    expired,created              n=1
expired         flash           update,create            new    missed,created               empty
expired         flashes         load                     -      expired                      -
expired         regenerate      load                     -      expired                      -
expired         set,regenerate  load,create              new    expired,created              b=2
expired         bind-alice      load,create              new    expired,created              b=2 c=3 @alice
expired         bind-bob        load,create              new    expired,created              b=2 c=3 @bob
expired         unbind          load,create              new    expired,created              c=3
expired         destroy         delete                   clear  destroyed                    -
expired         set,destroy,set delete,create            new    destroyed,created            c=3

live            nothing         -                        -      -                            a=1 l=[1]
live            get             load                     -      loaded                       a=1 l=[1]
live            set             update                   -      -                            a=1 b=2 l=[1]
live            delete          update                   -      -                            l=[1]
live            clear           update                   -      -                            empty
live            mutate          load,update              -      loaded                       a=1 l=[1,2]
live            modify          load,update              -      loaded                       a=1 l=[1] n=1
live            flash           update                   -      -                            a=1 l=[1]
live            flashes         load,update              -      loaded                       a=1 l=[1]
live            regenerate      load,rotate              new    loaded,rotated               a=1 l=[1]
live            set,regenerate  load,rotate              new    loaded,rotated               a=1 b=2 l=[1]
live            bind-alice      load,rotate              new    loaded,rotated               a=1 b=2 c=3 l=[1] @alice
live            bind-bob        load,rotate              new    loaded,rotated               a=1 b=2 c=3 l=[1] @bob
live            unbind          load,rotate              new    loaded,rotated               c=3
live            destroy         delete                   clear  destroyed                    -
live            set,destroy,set delete,create            new    destroyed,created            c=3

alice           nothing         -                        -      -                            a=1 l=[1] @alice
alice           get             load                     -      loaded                       a=1 l=[1] @alice
alice           set             update                   -      -                            a=1 b=2 l=[1] @alice
alice           delete          update                   -      -                            l=[1] @alice
alice           clear           update                   -      -                            @alice
alice           mutate          load,update              -      loaded                       a=1 l=[1,2] @alice
alice           modify          load,update              -      loaded                       a=1 l=[1] n=1 @alice
alice           flash           update                   -      -                            a=1 l=[1] @alice
alice           flashes         load,update              -      loaded                       a=1 l=[1] @alice
alice           regenerate      load,rotate              new    loaded,rotated               a=1 l=[1] @alice
alice           set,regenerate  load,rotate              new    loaded,rotated               a=1 b=2 l=[1] @alice
alice           bind-alice      load,rotate              new    loaded,rotated               a=1 b=2 c=3 l=[1] @alice
alice           bind-bob        load,rotate              new    loaded,rotated               c=3 @bob
alice           unbind          load,rotate              new    loaded,rotated               c=3
alice           destroy         delete                   clear  destroyed                    -
alice           set,destroy,set delete,create            new    destroyed,created            c=3

touch-due       nothing         -                        -      -                            a=1 l=[1]
touch-due       get             load,update              -      loaded                       a=1 l=[1]
touch-due       set             update                   -      -                            a=1 b=2 l=[1]
touch-due       delete          update                   -      -                            l=[1]
touch-due       clear           update                   -      -                            empty
touch-due       mutate          load,update              -      loaded                       a=1 l=[1,2]
touch-due       modify          load,update              -      loaded                       a=1 l=[1] n=1
touch-due       flash           update                   -      -                            a=1 l=[1]
touch-due       flashes         load,update              -      loaded                       a=1 l=[1]
touch-due       regenerate      load,rotate              new    loaded,rotated               a=1 l=[1]
touch-due       set,regenerate  load,rotate              new    loaded,rotated               a=1 b=2 l=[1]
touch-due       bind-alice      load,rotate              new    loaded,rotated               a=1 b=2 c=3 l=[1] @alice
touch-due       bind-bob        load,rotate              new    loaded,rotated               a=1 b=2 c=3 l=[1] @bob
touch-due       unbind          load,rotate              new    loaded,rotated               c=3
touch-due       destroy         delete                   clear  destroyed                    -
touch-due       set,destroy,set delete,create            new    destroyed,created            c=3

read            nothing         -                        -      -                            a=1 l=[1]
read            get             -                        -      -                            a=1 l=[1]
read            set             update                   -      -                            a=1 b=2 l=[1]
read            delete          update                   -      -                            l=[1]
read            clear           update                   -      -                            empty
read            mutate          update                   -      -                            a=1 l=[1,2]
read            modify          load,update              -      -                            a=1 l=[1] n=1
read            flash           update                   -      -                            a=1 l=[1]
read            flashes         update                   -      -                            a=1 l=[1]
read            regenerate      rotate                   new    rotated                      a=1 l=[1]
read            set,regenerate  rotate                   new    rotated                      a=1 b=2 l=[1]
read            bind-alice      rotate                   new    rotated                      a=1 b=2 c=3 l=[1] @alice
read            bind-bob        rotate                   new    rotated                      a=1 b=2 c=3 l=[1] @bob
read            unbind          rotate                   new    rotated                      c=3
read            destroy         delete                   clear  destroyed                    -
read            set,destroy,set delete,create            new    destroyed,created            c=3

read,destroyed  nothing         -                        -      -                            -
read,destroyed  get             -                        -      -                            -
read,destroyed  set             update                   -      lost                         -
read,destroyed  delete          update                   -      lost                         -
read,destroyed  clear           update                   -      lost                         -
read,destroyed  mutate          update                   -      lost                         -
read,destroyed  modify          load                     -      lost                         -
read,destroyed  flash           update                   -      lost                         -
read,destroyed  flashes         update                   -      lost                         -
read,destroyed  regenerate      rotate,load              -      conflict,lost                -
read,destroyed  set,regenerate  rotate,load              -      conflict,lost                -
read,destroyed  bind-alice      rotate,load,create       new    conflict,created             b=2 c=3 @alice
read,destroyed  bind-bob        rotate,load,create       new    conflict,created             b=2 c=3 @bob
read,destroyed  unbind          rotate,load              -      conflict,lost                -
read,destroyed  destroy         delete                   clear  destroyed                    -
read,destroyed  set,destroy,set delete,create            new    destroyed,created            c=3

read,rotated    nothing         -                        -      -                            a=1 l=[1]
read,rotated    get             -                        -      -                            a=1 l=[1]
read,rotated    set             update,update            -      -                            a=1 b=2 l=[1]
read,rotated    delete          update,update            -      -                            l=[1]
read,rotated    clear           update,update            -      -                            empty
read,rotated    mutate          update,update            -      -                            a=1 l=[1,2]
read,rotated    modify          load,load,update         -      -                            a=1 l=[1] n=1
read,rotated    flash           update,update            -      -                            a=1 l=[1]
read,rotated    flashes         update,load,load,update  -      conflict                     a=1 l=[1]
read,rotated    regenerate      rotate,load,load         -      conflict                     a=1 l=[1]
read,rotated    set,regenerate  rotate,load,load,update  -      conflict                     a=1 b=2 l=[1]
read,rotated    bind-alice      rotate,load,load,rotate  new    conflict,rotated             a=1 b=2 c=3 l=[1] @alice
read,rotated    bind-bob        rotate,load,load,rotate  new    conflict,rotated             a=1 b=2 c=3 l=[1] @bob
read,rotated    unbind          rotate,load,load,rotate  new    conflict,rotated             c=3
read,rotated    destroy         delete,delete            clear  destroyed                    -
read,rotated    set,destroy,set delete,delete,create     new    destroyed,created            c=3

read,bound      nothing         -                        -      -                            -
read,bound      get             -                        -      -                            -
read,bound      set             update                   -      lost                         -
read,bound      delete          update                   -      lost                         -
read,bound      clear           update                   -      lost                         -
read,bound      mutate          update                   -      lost                         -
read,bound      modify          load                     -      lost                         -
read,bound      flash           update                   -      lost                         -
read,bound      flashes         update                   -      lost                         -
read,bound      regenerate      rotate,load              -      conflict,lost                -
read,bound      set,regenerate  rotate,load              -      conflict,lost                -
read,bound      bind-alice      rotate,load,create       new    conflict,created             b=2 c=3 @alice
read,bound      bind-bob        rotate,load,create       new    conflict,created             b=2 c=3 @bob
read,bound      unbind          rotate,load              -      conflict,lost                -
read,bound      destroy         delete,delete            clear  destroyed                    -
read,bound      set,destroy,set delete,delete,create     new    destroyed,created            c=3

in-grace        nothing         -                        -      -                            a=1 l=[1]
in-grace        get             load,load                -      loaded                       a=1 l=[1]
in-grace        set             update,update            -      -                            a=1 b=2 l=[1]
in-grace        delete          update,update            -      -                            l=[1]
in-grace        clear           update,update            -      -                            empty
in-grace        mutate          load,load,update         -      loaded                       a=1 l=[1,2]
in-grace        modify          load,load,update         -      loaded                       a=1 l=[1] n=1
in-grace        flash           update,update            -      -                            a=1 l=[1]
in-grace        flashes         load,load,update         -      loaded                       a=1 l=[1]
in-grace        regenerate      load,load                -      loaded                       a=1 l=[1]
in-grace        set,regenerate  load,load,update         -      loaded                       a=1 b=2 l=[1]
in-grace        bind-alice      load,load,rotate         new    loaded,rotated               a=1 b=2 c=3 l=[1] @alice
in-grace        bind-bob        load,load,rotate         new    loaded,rotated               a=1 b=2 c=3 l=[1] @bob
in-grace        unbind          load,load,rotate         new    loaded,rotated               c=3
in-grace        destroy         delete,delete            clear  destroyed                    -
in-grace        set,destroy,set delete,delete,create     new    destroyed,created            c=3

after-grace     nothing         -                        -      -                            -
after-grace     get             load                     -      missed                       -
after-grace     set             update,create            new    missed,created               b=2
after-grace     delete          update                   -      missed                       -
after-grace     clear           update                   -      missed                       -
after-grace     mutate          load                     -      missed                       -
after-grace     modify          load,create              new    missed,created               n=1
after-grace     flash           update,create            new    missed,created               empty
after-grace     flashes         load                     -      missed                       -
after-grace     regenerate      load                     -      missed                       -
after-grace     set,regenerate  load,create              new    missed,created               b=2
after-grace     bind-alice      load,create              new    missed,created               b=2 c=3 @alice
after-grace     bind-bob        load,create              new    missed,created               b=2 c=3 @bob
after-grace     unbind          load,create              new    missed,created               c=3
after-grace     destroy         delete,delete            clear  destroyed                    -
after-grace     set,destroy,set delete,delete,create     new    destroyed,created            c=3
"""

ROWS = [line.split(maxsplit=5) for line in TABLE.splitlines() if line]


def test_the_table_holds_every_situation_with_every_intent() -> None:
    assert sorted((row[0], row[1]) for row in ROWS) == sorted(product(SITUATIONS, INTENTS))


@pytest.mark.parametrize("driver", ["sync", "async"])
@pytest.mark.parametrize(
    ("situation", "intent", "calls", "cookie", "events", "stored"),
    ROWS,
    ids=[f"{row[0]}-{row[1]}" for row in ROWS],
)
def test_outcome(
    driver: Driver,
    situation: str,
    intent: str,
    calls: str,
    cookie: str,
    events: str,
    stored: str,
) -> None:
    with FrozenClock() as clock:
        scene = Scene(driver, clock)
        SITUATIONS[situation](scene)
        scene.play(INTENTS[intent])
        told = [event for event in scene.events if event != "store_call"]

        assert (",".join(scene.store.calls) or "-") == calls
        assert (scene.client.set_cookie or "-") == cookie
        assert (",".join(told) or "-") == events
        assert scene.stored() == stored


@pytest.mark.parametrize("driver", ["sync", "async"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_encryption_changes_no_outcome_and_costs_at_most_one_read(
    driver: Driver, situation: str
) -> None:
    """That read comes before a blind ``clear``, which spares the sealed facts, and before what is
    written at the end of a marker."""
    for _, intent, calls, cookie, _, stored in (row for row in ROWS if row[0] == situation):
        with FrozenClock() as clock:
            scene = Scene(driver, clock, [keyring.draw()])
            SITUATIONS[situation](scene)
            scene.play(INTENTS[intent])

            plain, made = [call for call in calls.split(",") if call != "-"], scene.store.calls
            assert len(made) in (len(plain), len(plain) + 1), intent
            assert {*made} - {*plain} <= {"load"}, intent
            assert (scene.client.set_cookie or "-") == cookie, intent
            assert scene.stored() == stored, intent
