// Drives the engine through @clickhouse/client: node --input-type=module - <mode> <url> <JSON of arguments> < client.mjs
// It prints, as JSON, what the client saw. The Go test beside it says what that must be.
import { createClient, ClickHouseError } from '@clickhouse/client'
import { Readable } from 'node:stream'

const [, , mode, url, json] = process.argv
const args = JSON.parse(json)
// Without these, JavaScript would lose digits of 64-bit numbers, and JSON knows no NaN.
const clickhouse_settings = { output_format_json_quote_64bit_integers: 1, output_format_json_quote_denormals: 1 }
const log = { level: 127 } // its warnings are not what is asked for
const connect = (more = {}) => createClient({ url, log, clickhouse_settings, database: args.database ?? 'default', ...more })
const compression = { request: true, response: true }

// word brings a value of JSON into the words of the test's catalogue.
const word = (v) => {
  if (v === null || typeof v === 'string') return v
  if (Array.isArray(v)) return v.map(word)
  if (typeof v === 'object') return Object.fromEntries(Object.entries(v).map(([k, x]) => [k, word(x)]))
  return Object.is(v, -0) ? '-0' : String(v)
}
const words = (rows) => rows.map((r) => (Array.isArray(r) ? r : Object.values(r)).slice(1).map(word))

async function bytes (client, query) {
  const { stream } = await client.exec({ query })
  const parts = []
  for await (const p of stream) parts.push(p)
  return Buffer.concat(parts)
}

// types reads the table reference in every way, and writes what it read into tables of their own.
async function types () {
  const out = {}
  for (const [name, client] of [['plain', connect()], ['gzip', connect({ compression })]]) {
    for (const format of ['JSONEachRow', 'JSONCompactEachRow']) {
      const rows = await (await client.query({ query: args.selectHex, format })).json()
      out[`${format}, ${name}`] = words(rows)
      for (const r of rows) for (const k in r) if (Object.is(r[k], -0)) r[k] = '-0' // JSON.stringify would write 0
      const table = `js_${name}_${format.toLowerCase()}`
      await client.command({ query: args.createHex.replace('TABLE_NAME', table) })
      await client.insert({ table, values: Readable.from(rows), format, columns: args.columnsHex })
    }
    for (const format of args.formats) {
      const table = `js_${name}_${format.toLowerCase()}_raw`
      await client.command({ query: args.create.replace('TABLE_NAME', table) })
      const data = await bytes(client, `SELECT * FROM reference ORDER BY n FORMAT ${format}`)
      const values = Readable.from([data.subarray(0, 100), data.subarray(100)], { objectMode: false })
      const { stream } = await client.exec({ query: `INSERT INTO ${table} FORMAT ${format}`, values })
      await stream.resume().toArray()
    }
    await client.close()
  }
  return out
}

const refused = async (f) => {
  try {
    await f()
  } catch (e) {
    return e instanceof ClickHouseError ? [e.code, e.type] : e.message
  }
  return 'accepted'
}

const client = connect()
const rows = async (query, more = {}) => (await (more.client ?? client).query({ query, format: 'JSONEachRow', ...more })).json()

// queries are what depends on nothing: name -> what came back.
async function queries () {
  const odd = args.odd
  const out = {
    ping: (await client.ping()).success,
    'ping with a query': (await client.ping({ select: true })).success,
    parameters: await rows('SELECT {s:String} AS s, {a:Array(String)} AS a, {n:Nullable(String)} AS n, {d:DateTime64(3)} AS d, {m:Map(String, UInt8)} AS m, {b:Bool} AS b',
      { query_params: { s: odd, a: [odd, ''], n: null, d: new Date(1782907200678), m: { k: 1 }, b: true } }),
    form: await rows('SELECT {s:String} AS s, length({l:String}) AS l', { query_params: { s: odd, l: 'x'.repeat(args.long) }, use_multipart_params: true }),
    'form by itself': await rows('SELECT length({l:String}) AS l', { query_params: { l: 'x'.repeat(args.long) }, use_multipart_params_auto: true }),
    setting: await rows("SELECT toUInt8(getSetting('max_threads')) AS n", { clickhouse_settings: { max_threads: 1, wait_end_of_query: 1, send_progress_in_http_headers: 1, http_headers_progress_interval_ms: '1000' } }),
    'query id': (await client.query({ query: 'SELECT 1', query_id: 'js-id' })).query_id,
    database: await rows('SELECT currentDatabase() AS d', { client: connect({ database: 'system' }) }),
    'far times': await rows("SELECT toDateTime64('2299-12-31 23:59:59.999', 3, 'UTC') AS at"),
    json: await (await client.query({ query: 'SELECT 1 AS a', format: 'JSON' })).json().then(({ meta, data, rows }) => ({ meta, data, rows })),
    text: await (await client.query({ query: 'SELECT 1 AS a, {s:String} AS b', query_params: { s: 'x,"y"' }, format: 'CSVWithNames' })).text(),
    tsv: await (await client.query({ query: "SELECT 'a\\tb' AS a", format: 'TabSeparatedWithNamesAndTypes' })).text(),
    errors: [],
  }
  for (const query of ['SELECT * FROM nope', 'SELECT nope', 'SELECT throwIf(number = 500000) FROM numbers(1000000)']) {
    out.errors.push(await refused(() => rows(query)), await refused(() => rows(query, { client: connect({ compression }) })))
  }
  out.password = await refused(() => rows('SELECT 1', { client: connect({ password: 'wrong' }) }))
  out.readonly = await refused(() => rows('CREATE TABLE nope (a UInt8) ENGINE = Memory', { format: 'JSON', clickhouse_settings: { readonly: '1' } }))

  const session = connect({ session_id: 'js-session' })
  await session.command({ query: 'CREATE OR REPLACE TEMPORARY TABLE mine (a UInt8)' })
  const { summary } = await session.insert({ table: 'mine', values: [{ a: 1 }, { a: 2 }], format: 'JSONEachRow' })
  out.session = [summary.written_rows, await rows('SELECT sum(a) AS s FROM mine', { client: session })]
  return out
}

// ways is everything but types: name -> what came back.
async function ways () {
  const out = await queries()
  out.ids = [await rows('SELECT session_id FROM bi.sessions'), await rows('SELECT event_id FROM bi.events', { client: connect({ compression }) })]
  out.views = {}
  for (const { name } of await rows("SELECT name FROM system.tables WHERE database = 'bi' ORDER BY name")) {
    out.views[name] = (await rows(`SELECT * FROM bi.${name}`)).length
  }
  let lines = 0
  for await (const part of (await client.query({ query: 'SELECT number FROM numbers(200000)', format: 'JSONEachRow' })).stream()) lines += part.length
  out.streamed = lines

  await client.command({ query: 'CREATE OR REPLACE TABLE js_stream (a UInt32, s String) ENGINE = MergeTree ORDER BY a' })
  async function * made () { for (let i = 0; i < 50_000; i++) yield `${i}\tx${i}\n` }
  await connect({ compression }).insert({ table: 'js_stream', values: Readable.from(made(), { objectMode: false }), format: 'TabSeparated' })
  await client.insert({ table: 'js_stream', values: Readable.from([['60000', 'y']], { objectMode: true }), format: 'JSONCompactEachRow' })
  out['inserted stream'] = await rows('SELECT count() AS n, max(a) AS m FROM js_stream')
  out['broken stream'] = await refused(async () => client.insert({
    table: 'js_stream', format: 'TabSeparated',
    values: Readable.from((async function * () { yield '1\tx\n'.repeat(10_000); throw new Error('the source broke') })(), { objectMode: false })
  }))
  out['after the broken stream'] = await rows('SELECT count() AS n FROM js_stream')

  const abort = new AbortController()
  const left = refused(() => rows(args.endless.replace('MARK', 'js-abort'), { abort_signal: abort.signal, query_id: 'js-abort-id' }))
  while ((await rows("SELECT count() AS n FROM system.processes WHERE query LIKE '%js-abort%' AND query NOT LIKE '%system.processes%'"))[0].n === '0');
  abort.abort()
  out.abort = await left
  out['request timeout'] = await refused(() => rows(args.endless.replace('MARK', 'js-timeout'), { client: connect({ request_timeout: 300 }) }))
  const victim = refused(() => rows(args.endless.replace('MARK', 'js-kill'), { query_id: 'js-kill-id' }))
  let ended = false
  victim.then(() => { ended = true })
  while (!ended) await client.command({ query: "KILL QUERY WHERE query_id = 'js-kill-id'" })
  out.killed = await victim
  return out
}

// record is what is recorded for the front's own test.
async function record () {
  const admin = connect({ database: 'default' })
  for (const query of args.before) await admin.command({ query })
  await types()
  await queries()
  await admin.command({ query: args.after })
}

process.stdout.write(JSON.stringify(await { types, ways, record }[mode]() ?? null), () => process.exit(0)) // ends what the ways left open
