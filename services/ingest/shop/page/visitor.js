// Who is shopping: a random id that the browser keeps, the user once known, and the time that events carry.
import { kept } from './dom.js'

// uuid of version 4. crypto.randomUUID is missing where the page does not come by HTTPS or from this machine.
export function uuid() {
  const b = crypto.getRandomValues(new Uint8Array(16))
  b[6] = (b[6] & 0x0f) | 0x40
  b[8] = (b[8] & 0x3f) | 0x80
  const hex = Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

// A demo's clock stands still, and no event is later than it. There a visitor's clicks begin this long before it, so that
// they keep their order and their distances.
const head = 2 * 3600 * 1000

let ahead = 0 // of ingest's clock before this machine's, in milliseconds
let driven = null // ingest's clock, if it stands still

// begin tells what ingest's clock says. A visitor of another pipeline's demo is not one of this: true if it is a new one.
export function begin({ run, now, driven: still }) {
  driven = still ? now : null
  ahead = now - Date.now()
  const world = still ? run : 'wall'
  if (visitor().world === world) return false
  renew()
  kept.set('visitor', { ...visitor(), world })
  return true
}

export const visitor = () => kept.get('visitor', null) ?? renew()

// renew makes the browser a new visitor's.
export function renew() {
  const world = kept.get('visitor', {}).world
  const fresh = { id: uuid(), user: '', began: Date.now(), last: 0, world }
  kept.set('visitor', fresh)
  return fresh
}

// login makes the visitor known. The same address is the same user, also for the next visitor of this browser.
export function login(email) {
  const users = kept.get('users', {})
  users[email.toLowerCase()] ??= `customer-${uuid().slice(0, 8)}`
  kept.set('users', users)
  kept.set('visitor', { ...visitor(), user: users[email.toLowerCase()] })
}

// stamp is the time of an event by ingest's clock, ISO 8601. No two are equal, so that their order is sure.
export function stamp() {
  const v = visitor()
  const now = driven === null ? Date.now() + ahead : Math.min(driven, driven - head + Date.now() - v.began)
  v.last = Math.max(now, v.last + 1)
  kept.set('visitor', v)
  return new Date(v.last).toISOString()
}
