// Asks ClickHouse through its own JavaScript client: node --input-type=module - <address> <JSON of name: SQL> < query.mjs
// It prints, as JSON, the rows of each query, and those that it wrote into a table of its own and read back.
import { createClient } from '@clickhouse/client'

const [, , url, queries] = process.argv
const client = createClient({ url, clickhouse_settings: { wait_end_of_query: 1 } })
const compressed = createClient({ url, compression: { request: true, response: true } })

const rows = async (c, query, query_params) => (await c.query({ query, query_params, format: 'JSONEachRow' })).json()

const out = { ping: await client.ping(), queries: {}, scratch: [] }
for (const [name, query] of Object.entries(JSON.parse(queries))) {
  out.queries[name] = await rows(client, query, { store: 'demo' })
}
await client.command({ query: 'CREATE DATABASE IF NOT EXISTS scratch' })
await client.command({ query: 'CREATE TABLE scratch.notes (id UInt32, note String, tags Array(String)) ENGINE = MergeTree ORDER BY id' })
const notes = [{ id: 1, note: 'tab\there, "quoted"', tags: ['a', 'ü'] }, { id: 2, note: '', tags: [] }]
await client.insert({ table: 'scratch.notes', values: notes, format: 'JSONEachRow' })
await compressed.insert({ table: 'scratch.notes', values: [{ id: 3, note: 'gzip', tags: ['z'] }], format: 'JSONEachRow' })
out.scratch = await rows(compressed, 'SELECT * FROM scratch.notes WHERE id < {below: UInt32} ORDER BY id', { below: 4 })
await client.command({ query: 'DROP DATABASE scratch' })
await client.close()
await compressed.close()
console.log(JSON.stringify(out))
