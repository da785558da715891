// The cart and the wish-list, which the browser keeps.
import { kept } from './dom.js'
import { byId, line } from './catalogue.js'
import { uuid } from './visitor.js'

const empty = () => ({ items: {}, wishes: [], cartId: uuid(), email: '', delivery: '', step: 0 })
const read = () => kept.get('basket', null) ?? clear()

export function clear() {
  const fresh = empty()
  kept.set('basket', fresh)
  return fresh
}

// change lets f alter the basket.
export function change(f) {
  const b = read()
  f(b)
  kept.set('basket', b)
}

export const basket = {
  get items() { return Object.entries(read().items).map(([id, quantity]) => ({ product: byId(id), quantity })).filter((i) => i.product) },
  get count() { return this.items.reduce((n, i) => n + i.quantity, 0) },
  get total() { return Math.round(this.items.reduce((sum, i) => sum + i.product.price * i.quantity, 0) * 100) / 100 },
  get lines() { return this.items.map((i) => line(i.product, i.quantity)) },
  get wishes() { return read().wishes.map(byId).filter(Boolean) },
  get cartId() { return read().cartId },
  get email() { return read().email },
  get delivery() { return read().delivery },
  get step() { return read().step },
  wished(id) { return read().wishes.includes(id) },
}

export const put = (id, quantity) => change((b) => {
  b.items[id] = (b.items[id] ?? 0) + quantity
  if (b.items[id] <= 0) delete b.items[id]
  b.step = 0 // a changed cart begins its checkout anew
})

export const wish = (id, on) => change((b) => { b.wishes = b.wishes.filter((w) => w !== id).concat(on ? [id] : []) })

// bought empties the cart; the wishes stay.
export const bought = () => change((b) => Object.assign(b, empty(), { wishes: b.wishes, email: b.email }))
