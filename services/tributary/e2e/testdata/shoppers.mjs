// Plays three shoppers through Segment's own SDK: node --input-type=module - <address of ingest> < shoppers.mjs
// It prints, as JSON, what it sent: message ids by how they must end, the number of events by action, and of requests.
import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({ writeKey: 'demo-write-key', host: process.argv[2], flushAt: 5, flushInterval: 200, maxRetries: 5 })

const sent = { accepted: [], refused: [], events: {}, requests: 0, retries: 0, failures: [] }
analytics.on('http_request', (r) => {
  sent.requests++
  if (r.headers['X-Retry-Count']) sent.retries++
})
analytics.on('error', (e) => sent.failures.push(String(e.reason ?? e)))

const now = Date.now()
const minutes = 60_000
const shop = 'https://shop.example'
const agents = {
  desktop: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36',
  phone: 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1',
  tablet: 'Mozilla/5.0 (iPad; CPU OS 16_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.0 Mobile/15E148 Safari/604.1',
}

// call makes one call of the SDK and resolves to the message as the SDK sent it.
const call = (type, message, kind = 'accepted') =>
  new Promise((resolve) =>
    analytics[type](message, (err, ctx) => {
      if (err) sent.failures.push(String(err))
      sent[kind].push(ctx.event.messageId)
      resolve(ctx.event)
    }))

// A visit is one device's: each call comes a second after the one before, so that their order is no matter of luck. It
// is sent in halves: a session that was seen before it was complete must grow, not count twice.
class Visit {
  constructor(anonymousId, agent, start, page) {
    Object.assign(this, { anonymousId, at: start, calls: [] })
    this.context = { userAgent: agents[agent], page }
  }
  add(type, action, fields) {
    const { anonymousId, userId, context } = this
    this.at += 1000
    sent.events[action] = (sent.events[action] ?? 0) + 1
    const message = { anonymousId, userId, context, timestamp: new Date(this.at), ...fields }
    this.calls.push(() => call(type, message))
    return this
  }
  page() { return this.add('page', 'page_viewed', { name: 'Home' }) }
  track(action, event, properties) { return this.add('track', action, { event, properties }) }
  login(userId, email) {
    this.userId = userId
    return this.add('identify', 'identified', { traits: { email } })
  }
}

const socks = { product_id: 'p-1', sku: 'SOCKS', name: 'Socks', price: 29.95, quantity: 2, currency: 'EUR' }
const coat = { product_id: 'p-2', sku: 'COAT', name: 'Coat', price: 120, quantity: 1, currency: 'EUR' }

// A: found the shop by search, buys at once, gives the e-mail address on the way.
const a = new Visit('shopper-a', 'desktop', now - 3 * minutes, { url: `${shop}/`, path: '/', referrer: 'https://www.google.com/' })
  .page()
  .track('product_viewed', 'Product Viewed', socks)
  .track('product_viewed', 'Product Viewed', coat)
  .track('cart_added', 'Product Added', { cart_id: 'cart-a', ...socks })
  .track('checkout_started', 'Checkout Started', { cart_id: 'cart-a', value: 59.9, currency: 'EUR', products: [socks] })
  .login('user-a', 'a@shop.example')
  .track('payment_submitted', 'Payment Info Entered', { checkout_id: 'checkout-a', payment_method: 'card' })
  .track('purchased', 'Order Completed', { order_id: 'order-a', revenue: 59.9, currency: 'EUR', products: [socks] })

// B: an advertisement on the phone fills a cart, the tablet buys later.
const advertised = `${shop}/sale?utm_source=google&utm_medium=cpc&utm_campaign=acme-autumn&gclid=click-b`
const phone = new Visit('shopper-b-phone', 'phone', now - 4 * minutes, { url: advertised, path: '/sale' })
  .page()
  .login('user-b', 'b@shop.example')
  .track('product_viewed', 'Product Viewed', coat)
  .track('cart_added', 'Product Added', { cart_id: 'cart-b1', ...coat })
const tablet = new Visit('shopper-b-tablet', 'tablet', now - 2 * minutes, { url: `${shop}/`, path: '/' })
  .page()
  .login('user-b', 'b@shop.example')
  .track('product_viewed', 'Product Viewed', coat)
  .track('cart_added', 'Product Added', { cart_id: 'cart-b2', ...coat })
  .track('checkout_started', 'Checkout Started', { cart_id: 'cart-b2', currency: 'EUR' })
  .track('purchased', 'Order Completed', { order_id: 'order-b', total: '120.00', products: [coat] })

// C: comes from the newsletter, and again 50 minutes later by a link inside the shop.
const newsletter = `${shop}/news?utm_source=newsletter&utm_medium=email&utm_campaign=november`
const first = new Visit('shopper-c', 'desktop', now - 55 * minutes, { url: newsletter, path: '/news' })
  .page()
  .track('newsletter_subscribed', 'Newsletter Subscribed', { list: 'weekly' })
const second = new Visit('shopper-c', 'desktop', now - 5 * minutes, { url: `${shop}/wishlist`, path: '/wishlist', referrer: `${shop}/news` })
  .page()
  .track('wishlist_added', 'Product Added to Wishlist', { wishlist_id: 'w-1', ...coat })

const visits = [a, phone, tablet, first, second].map((visit) => visit.calls)
const send = (calls) => Promise.all(calls.map((c) => c()))
await send(visits.flatMap((calls) => calls.slice(0, calls.length / 2)))
const delivered = await send(visits.flatMap((calls) => calls.slice(calls.length / 2)))

// What the SDK lets through and ingest must refuse: a name of more than 200 bytes.
await call('track', { anonymousId: 'shopper-a', event: 'x'.repeat(201) }, 'refused')
// A retry by hand, after the first sending was acknowledged: the same call with the same message id.
const again = delivered.find((e) => e.event === 'Product Added to Wishlist')
const { anonymousId, event, properties, context, timestamp, messageId } = again
await call('track', { anonymousId, event, properties, context, timestamp, messageId })

await analytics.closeAndFlush({ timeout: 20_000 })
console.log(JSON.stringify(sent))
