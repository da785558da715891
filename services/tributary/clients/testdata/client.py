"""Drives the engine through clickhouse-connect: python client.py <mode> <host:port> <JSON of arguments>.

It prints, as JSON, what the client saw. The Go test beside it says what that must be.
"""

import datetime
import json
import math
import sys
import threading

import clickhouse_connect
import pandas
import sqlalchemy
from clickhouse_connect import dbapi
from clickhouse_connect.driver.external import ExternalData

mode, address, arguments = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
host, port = address.split(":")


def connect(**options):
    options.setdefault("database", arguments.get("database", "default"))
    return clickhouse_connect.get_client(host=host, port=int(port), **options)


def word(v):
    """A value in the words of the test's catalogue."""
    if v is None:
        return None
    if isinstance(v, dict):
        return {str(k): word(x) for k, x in v.items()}
    if isinstance(v, (list, tuple)) or type(v).__name__ == "ndarray":
        return [word(x) for x in v]
    if isinstance(v, bytes):
        return v.hex()
    if isinstance(v, datetime.datetime):
        return v.strftime("%Y-%m-%d %H:%M:%S.") + "%03d" % (v.microsecond // 1000)
    if isinstance(v, datetime.date):
        return v.isoformat()
    if hasattr(v, "item"):
        return word(v.item())
    if isinstance(v, float):
        return "nan" if math.isnan(v) else repr(v)
    return str(v)


def own(v):
    """The client reads arrays of times as numpy's, and writes Python's own only."""
    if isinstance(v, list) or getattr(v, "ndim", 0) > 0:
        return [own(x) for x in v]
    return v.astype("datetime64[ms]").item() if getattr(getattr(v, "dtype", None), "kind", "") == "M" else v


def words(rows):
    return [[word(v) for v in row][1:] for row in rows]


def types():
    """Reads the table reference in every way, and writes what it read into tables of their own."""
    out = {}
    for compress in [False, "lz4", "zstd", "gzip"]:
        c = connect(compress=compress)
        table = f"py_{compress or 'none'}".lower()
        got = c.query("SELECT * FROM reference ORDER BY n")
        out[f"clickhouse-connect, {compress}"] = words(got.result_rows)
        c.command(arguments["create"].replace("TABLE_NAME", table))
        c.insert(table, got.result_rows, column_names=got.column_names)
        c.close()
    c = connect()
    frame = c.query_df("SELECT * FROM reference ORDER BY n")
    for name, kind in c.query("SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'reference'").result_rows:
        if kind.startswith("Nullable("):  # pandas has NaN for no number: the catalogue has none in such columns
            frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    out["pandas"] = words(frame.itertuples(index=False))
    c.command(arguments["create"].replace("TABLE_NAME", "py_pandas"))
    for name in frame.select_dtypes("object"):
        frame[name] = [own(v) for v in frame[name]]
    c.insert_df("py_pandas", frame)
    for f in arguments["formats"]:
        table = "py_" + f.lower()
        c.command(arguments["create"].replace("TABLE_NAME", table))
        c.raw_insert(table, insert_block=c.raw_query("SELECT * FROM reference ORDER BY n", fmt=f, settings={"output_format_json_quote_denormals": 1}), fmt=f)
    engine = sqlalchemy.create_engine(f"clickhousedb://default:@{address}/{arguments.get('database', 'default')}")
    with engine.begin() as conn:
        table = sqlalchemy.Table("reference", sqlalchemy.MetaData(), autoload_with=conn)
        rows = conn.execute(sqlalchemy.select(table).order_by(table.c.n)).fetchall()
        out["SQLAlchemy"] = words(rows)
        conn.execute(sqlalchemy.text(arguments["create"].replace("TABLE_NAME", "py_sqlalchemy").replace(":", r"\:")))
        copy = sqlalchemy.Table("py_sqlalchemy", sqlalchemy.MetaData(), autoload_with=conn)
        conn.execute(sqlalchemy.insert(copy), [dict(r._mapping) for r in rows])
    return out


def refused(f):
    try:
        f()
    except Exception as e:  # SQLAlchemy and the DB API wrap the client's error
        text = str(e)
        return text[text.index("Code: ") :].split(". ")[0] if "Code: " in text else type(e).__name__ + " " + text
    return "accepted"


odd = "it's \t a \\ \n \"text\" % {x:y}"


def queries():
    """What depends on nothing: name -> what came back."""
    c = connect()
    day = datetime.datetime(2026, 7, 1, 12, 0, 0)
    out = {
        "ping": c.ping(),
        "server parameters": c.query(
            "SELECT {s:String}, {a:Array(String)}, {n:Nullable(String)}, {u:UInt64}, {f:Float64}, {b:Bool}, {d:DateTime}",
            parameters={"s": odd, "a": [odd, ""], "n": None, "d": day, "u": 2**64 - 1, "f": 0.5, "b": True},
        ).result_rows[0][:6],
        "client parameters": c.query("SELECT %(s)s, %(a)s, %(n)s, %(u)s", parameters={"s": odd, "a": [odd], "n": None, "u": 7}).result_rows[0],
        "setting": c.query("SELECT toUInt8(getSetting('max_threads'))", settings={"max_threads": 1}).result_rows[0],
        "settings of the client": connect(settings={"max_block_size": 77}).command("SELECT getSetting('max_block_size')"),
        "query id": c.query("SELECT 1", settings={"query_id": "py-query-id"}).query_id,
        "session": [c.command("CREATE OR REPLACE TEMPORARY TABLE mine (a UInt8)"), c.insert("mine", [[1], [2]], column_names=["a"]).written_rows, c.command("SELECT sum(a) FROM mine")][1:],
        "database": connect(database="system").command("SELECT currentDatabase()"),
        "zone": c.query("SELECT toDateTime('2026-07-01 12:00:00', 'Asia/Tokyo')").result_rows[0][0].isoformat(),
        "session zone": c.query("SELECT toDateTime('2026-07-01 12:00:00')", settings={"session_timezone": "Asia/Tokyo"}).result_rows[0][0].isoformat(),
        "far times": [str(f("SELECT toDateTime64('2299-12-31 23:59:59.999', 3, 'UTC') AS at")) for f in (c.command, lambda q: c.query(q).result_rows[0][0], lambda q: c.query_df(q)["at"][0])],
        "blocks": sum(len(b) for b in blocks(c)),
        "summary": [c.query("SELECT sum(number) FROM numbers(1000)").summary[k] for k in ("read_rows", "result_rows")],
        "form": connect(form_encode_query_params=True).query("SELECT {s:String}, length({l:String})", parameters={"s": odd, "l": "x" * arguments["long"]}).result_rows[0],
        "external data": c.query(
            "SELECT b, a FROM ext ORDER BY a", external_data=ExternalData(file_name="ext.csv", fmt="CSV", structure=["a UInt8", "b String"], data=b'2,"x,y"\n1,\n')
        ).result_rows,
        "external data is gone": refused(lambda: connect().query("SELECT * FROM ext")),
        "unknown table": refused(lambda: c.query("SELECT * FROM nope")),
        "unknown column": refused(lambda: c.command("SELECT nope")),
        "error in the middle": refused(lambda: blocks_of(c, "SELECT throwIf(number = 500000) FROM numbers(1000000)")),
        "a bad row": refused(lambda: c.raw_insert("reference", insert_block=b"x,y\n", fmt="CSV")),
        "a password": refused(lambda: connect(password="wrong")),
    }
    cursor = dbapi.connect(host=host, port=int(port)).cursor()
    cursor.execute("SELECT %(s)s AS s, 1 AS n", {"s": odd})
    out["DB API"] = [cursor.fetchall(), [d[0] for d in cursor.description]]
    return out


def ways():
    """Everything but types: name -> what came back."""
    c = connect()
    return queries() | orm() | {
        "execution time": refused(lambda: c.query(arguments["endless"].replace("MARK", "py-time"), settings={"max_execution_time": 1})),
        "client's deadline": refused(lambda: connect(send_receive_timeout=1, query_retries=0).query(arguments["endless"].replace("MARK", "py-deadline"))).split("(")[0],
        "killed": killed(),
        "ids": [c.query("SELECT session_id FROM bi.sessions").result_rows, c.query_df("SELECT event_id FROM bi.events").to_dict("records")],
        "views": {v: len(c.query_df(f"SELECT * FROM bi.{v}")) for (v,) in c.query("SELECT name FROM system.tables WHERE database = 'bi' ORDER BY name").result_rows},
    }


def record():
    """What is recorded for the front's own test."""
    c = connect(database="default")
    for statement in arguments["before"]:
        c.command(statement)
    types()
    queries()
    c.command(arguments["after"])


def blocks(c):
    with c.query_row_block_stream("SELECT number FROM numbers(200000)") as stream:
        yield from stream


def blocks_of(c, query):
    with c.query_row_block_stream(query) as stream:
        for _ in stream:
            pass


def killed():
    """Kills a running query from another connection, by the id that the client gave it."""
    result = []
    t = threading.Thread(target=lambda: result.append(refused(lambda: connect().query(arguments["endless"].replace("MARK", "py-kill"), settings={"query_id": "py-kill-id"}))))
    t.start()
    c = connect()
    while t.is_alive():
        c.command("KILL QUERY WHERE query_id = 'py-kill-id' ASYNC")
        t.join(0.05)
    return result[0]


def orm():
    engine = sqlalchemy.create_engine(f"clickhousedb://default:@{address}/bi?compression=zstd")
    look = sqlalchemy.inspect(engine)
    out = {
        "schemas": [s for s in ("bi", "api", "tributary") if s in look.get_schema_names()],
        "tables": look.get_table_names(),
        "has table": [look.has_table("sessions"), look.has_table("nope")],
        "columns": {c["name"]: str(c["type"]) for c in look.get_columns("completeness")},
        "comments": all(c["comment"] for c in look.get_columns("sessions")),
    }
    with engine.connect() as conn:
        out["text"] = list(conn.execute(sqlalchemy.text("SELECT :s, :n"), {"s": odd, "n": 5}).one())
        sessions = sqlalchemy.Table("sessions", sqlalchemy.MetaData(), autoload_with=conn)
        out["select"] = [list(r) for r in conn.execute(sqlalchemy.select(sessions.c.session_id, sessions.c.visitor).where(sessions.c.visitor == "it's me").limit(5))]
        out["count"] = conn.execute(sqlalchemy.select(sqlalchemy.func.count()).select_from(sessions)).scalar_one()
        out["read_sql"] = pandas.read_sql(sqlalchemy.select(sessions.c.visitor), conn).to_dict("list")
        out["unknown through SQLAlchemy"] = refused(lambda: conn.execute(sqlalchemy.text("SELECT * FROM nope")))
    return out


def readers():
    """Eight threads read counts, each with a client of its own, while one writes batches."""
    w = connect()
    w.command("CREATE OR REPLACE TABLE py_busy (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
    done, faults, reads = threading.Event(), [], [0] * 8
    batch, batches = arguments["batch"], arguments["batches"]

    def read(i):
        try:
            c, last = connect(), 0
            while not done.is_set() or reads[i] == 0:
                n, total = c.query("SELECT count(), sum(a) FROM py_busy").result_rows[0]
                if n % batch or n < last or total != n * (n - 1) // 2:
                    faults.append(f"{n} rows after {last}, sum {total}")
                last = n
                reads[i] += 1
        except Exception as e:
            faults.append(repr(e))

    threads = [threading.Thread(target=read, args=(i,)) for i in range(8)]
    for t in threads:
        t.start()
    try:
        for b in range(batches):
            w.insert("py_busy", [[b * batch + i, "x"] for i in range(batch)], column_names=["a", "s"])
    finally:
        done.set()
    for t in threads:
        t.join()
    return {"faults": faults, "rows": w.command("SELECT count() FROM py_busy"), "every reader read": min(reads) > 0}


print(json.dumps({"types": types, "ways": ways, "readers": readers, "record": record}[mode]()))
