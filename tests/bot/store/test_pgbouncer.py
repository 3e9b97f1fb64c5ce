"""PgBouncer in transaction mode between the bot and its server: fewer connections, same meaning."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from bot.store import Database, Store
from bot.store.connection import Area
from bot.store.postgres_server import Server
from reports.usage.dimensions import Dimension
from tests import databases
from tests.world import wait_until

PROGRAM = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
pytestmark = [
    pytest.mark.skipif(not databases.on_postgres(), reason="needs a server"),
    pytest.mark.skipif(PROGRAM is None, reason="needs PgBouncer"),
]
SETTINGS = """
[databases]
* = host={host} port={port} user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {own}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
max_client_conn = 200
"""


@pytest.fixture
def url(tmp_path):
    """The URL of a new database, by way of a PgBouncer that has two connections for everybody."""
    name = str(databases.at(tmp_path / "a.db"))
    given = conninfo_to_dict(name)
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        own = taken.getsockname()[1]
    settings = SETTINGS.format(
        host=given["host"], port=given.get("port", 5432), user=given.get("user"), own=own
    )
    host = Path(str(given["host"]))
    user = host.owner() if host.is_absolute() else "nobody"
    with tempfile.TemporaryDirectory(prefix="bouncer-") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "bouncer.ini").write_text(settings)
        bouncer = subprocess.Popen(
            [str(PROGRAM), f"{folder}/bouncer.ini"],
            stderr=subprocess.DEVNULL,
            user=user if os.geteuid() == 0 else None,  # it refuses to run as root
        )
        try:
            yield reachable(f"postgresql://postgres@127.0.0.1:{own}/{given['dbname']}")
        finally:
            bouncer.terminate()
            bouncer.wait(30)


def reachable(made):
    """A URL, as soon as it can be connected to."""

    def answers():
        try:
            Server(made).connect().close()
        except psycopg.OperationalError:
            return False
        return True

    wait_until(answers)
    return made


def test_reads_writes_and_streams_share_two_connections(url):
    with closing(Database(url)) as database, closing(Database(url)) as other:

        def work(number):
            mine = (database, other)[number % 2]
            for turn in range(5):
                with mine.write() as connection:
                    found = connection.execute("SELECT value FROM fact").fetchone()
                    connection.execute(
                        "INSERT INTO fact (name, value) VALUES ('n', ?) ON CONFLICT (name)"
                        " DO UPDATE SET value = excluded.value",
                        (str(int(found[0] if found else 0) + 1),),
                    )
                with mine.read() as connection:
                    rows = connection.stream("SELECT name FROM fact WHERE value <> ?", (str(turn),))
                    assert all(row == ("n",) for row in rows)

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(work, range(8)))
        with database.read() as connection:
            assert connection.execute("SELECT value FROM fact").fetchone() == ("40",)


def test_the_lock_of_an_area_is_given_to_one_at_a_time(url):
    with closing(Database(url)) as database, closing(Database(url)) as other:
        order, begun = [], threading.Event()

        def second():
            begun.wait(60)
            with other.write(Area.USAGE):
                order.append("second")

        thread = threading.Thread(target=second)
        thread.start()
        with database.write(Area.USAGE):
            begun.set()
            thread.join(0.3)
            order.append("first")
        thread.join()
        assert order == ["first", "second"]


def test_a_directory_is_stored_and_read(url):
    with closing(Database(url)) as database:
        store = Store(database)
        found = store.add_members(Dimension.KEY, [(f"h{n}", f"key {n}", "") for n in range(300)])
        assert len(found.of[Dimension.KEY]) == 301
