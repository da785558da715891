// Sends events as Segment's SDKs do. An event has its id when it happens: it is sent with it again until ingest has
// acknowledged it, and counts once.
import { here } from './dom.js'
import { stamp, uuid, visitor } from './visitor.js'

// What became of an event.
export const waiting = 'waiting', again = 'again', safe = 'safe', stored = 'stored', refused = 'refused'

const longest = 5000 // milliseconds between two tries
const listeners = new Set()
const log = here.get('log', []) // newest last
let writeKey = ''
let mayGo = () => false
let timer = 0
let busy = false

export const onChange = (f) => listeners.add(f)
export const events = () => log.filter((e) => e.visitor === visitor().id)

function changed() {
  while (log.length > 200 && !log[0].body) log.shift()
  here.set('log', log)
  listeners.forEach((f) => f())
}

// start lets events go while ready says so.
export function start(key, ready) {
  writeKey = key
  mayGo = ready
  pump()
}

// forget drops everything: it belongs to a pipeline that is gone.
export function forget() {
  log.length = 0
  changed()
}

// call makes one of Segment's calls. The time is ingest's already, so that there is no sentAt to correct it by.
function call(type, name, fields) {
  const v = visitor()
  const id = uuid()
  const page = { url: location.href, path: location.hash.slice(1) || '/', title: document.title, referrer: document.referrer }
  const message = { type, ...fields, messageId: id, anonymousId: v.id, timestamp: stamp(), writeKey, context: { page, userAgent: navigator.userAgent, locale: navigator.language } }
  if (v.user) message.userId = v.user
  log.push({ id, name, type, visitor: v.id, at: Date.now(), status: waiting, tries: 0, body: JSON.stringify(message) })
  changed()
  pump()
}

export const track = (event, properties) => call('track', event, { event, properties })
export const page = (name) => call('page', 'page', { name, properties: {} })
export const identify = (traits) => call('identify', 'identify', { traits })

// pump sends what waits, in order, one at a time. After a failure nothing goes before the next try is due.
export async function pump() {
  if (busy || timer) return
  busy = true
  try {
    for (let e; mayGo() && (e = log.find((x) => x.body)); ) {
      if (!(await post(e))) {
        timer = setTimeout(retry, Math.min(longest, 500 * 2 ** (e.tries - 1)))
        return
      }
    }
  } finally {
    busy = false
  }
}

function retry() {
  timer = 0
  pump()
}

// post sends one event and tells whether it is settled.
async function post(e) {
  let why
  try {
    const res = await fetch(`/v1/${e.type}`, { method: 'POST', body: e.body, headers: { 'Content-Type': 'application/json' }, keepalive: true, signal: AbortSignal.timeout(10_000) })
    if (res.ok) return settle(e, safe, '')
    const { error } = await res.json().catch(() => ({}))
    why = `${res.status}${error ? ` ${error}` : ''}`
    if (res.status < 500 && res.status !== 429) return settle(e, refused, why)
  } catch {
    why = 'ingest does not answer'
  }
  e.tries++
  e.status = again
  e.note = `not sent: ${why}; trying again`
  changed()
  return false
}

function settle(e, status, note) {
  Object.assign(e, { status, note, body: null, safeAt: Date.now() })
  changed()
  return true
}

// arrived takes what bi.events holds, and marks it in the log.
export function arrived(rows) {
  const actions = new Map(rows.map((r) => [r.id, r]))
  let any = false
  for (const e of log) {
    const row = actions.get(e.id)
    if (!row || e.status === stored) continue
    Object.assign(e, { status: stored, body: null, action: row.action, note: row.late ? 'late: in no session' : '', took: Date.now() - (e.safeAt ?? e.at) })
    any = true
  }
  if (any) changed()
}
