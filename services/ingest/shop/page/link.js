// The link to ingest: what it serves, and each second what bi knows of the visitor.
import { begin, visitor } from './visitor.js'
import { arrived, forget, pump, start } from './track.js'
import { clear } from './basket.js'

const every = 1000 // milliseconds

// known is what was told last. sessions are newest first; of is the visitor that they are of.
export const known = { config: null, open: false, sessions: [], of: '', trouble: 'connecting' }

const listeners = new Set()
export const onNews = (f) => listeners.add(f)
const tell = () => listeners.forEach((f) => f())

async function ask(path) {
  const res = await fetch(path, { signal: AbortSignal.timeout(5000), cache: 'no-store' })
  const body = await res.json()
  return { ok: res.ok, body }
}

// connect resolves when ingest has told its settings and lets visitors in.
export async function connect() {
  for (;;) {
    try {
      const { body } = await ask('config')
      known.trouble = body.open ? '' : body.driven ? 'The simulated day is still being played. The shop opens when it is over, so that no click spoils it.' : 'Ingest is starting.'
      if (body.open) {
        known.config = body
        known.open = true
        if (begin(body)) {
          forget()
          clear()
        }
        start(body.writeKey, () => known.open)
        return body
      }
    } catch {
      known.trouble = 'Ingest does not answer.'
    }
    tell()
    await new Promise((go) => setTimeout(go, every))
  }
}

// watch asks for the session each second, while somebody looks.
export async function watch() {
  for (;;) {
    if (!document.hidden) await look()
    await new Promise((go) => setTimeout(go, every))
  }
}

async function look() {
  const { id } = visitor()
  try {
    const { ok, body } = await ask(`session?visitor=${id}`)
    if (known.config.driven && body.run !== known.config.run) return location.reload() // another demo: this one's events are not its
    known.open = body.open
    known.trouble = ok ? '' : body.error
    if (ok && id === visitor().id) {
      known.sessions = body.sessions
      known.of = id
      arrived(body.events)
    }
    pump()
  } catch {
    known.trouble = 'Ingest does not answer.'
    known.open = !known.config.driven // a demo that comes back may be another one: ask first
  }
  tell()
}
