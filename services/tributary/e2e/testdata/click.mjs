// Clicks through the shop in a headless Chromium: node --input-type=module - <address> <browser> <folder> <script> < click.mjs
// Scripts: all, still (a short visit) and closed (a look at a shop that is not open). It prints, as JSON, what the strip
// showed to each visitor at the end, and what the browser sent. Pictures go to the folder.
import { chromium, devices } from 'playwright-core'

const [, , shop, executablePath, folder, script] = process.argv
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })

// open is a tab with a size and a user agent of its own, whose storage is empty. It counts what is sent and complained of.
async function open(device) {
  const context = await browser.newContext({ ...device, baseURL: shop })
  const page = await context.newPage()
  const told = { console: [], requests: {} }
  page.on('console', (m) => { if (['error', 'warning'].includes(m.type())) told.console.push(m.text()) })
  page.on('pageerror', (e) => told.console.push(String(e)))
  page.on('request', (r) => {
    if (!new URL(r.url()).pathname.startsWith('/v1/')) return
    const { messageId } = r.postDataJSON()
    told.requests[messageId] = (told.requests[messageId] ?? 0) + 1
  })
  const picture = async (name) => {
    await page.evaluate(() => Promise.all([...document.images].map((i) => { i.loading = 'eager'; return i.decode() })))
    await page.screenshot({ path: `${folder}/${name}.png` })
  }
  return { page, told, picture }
}

// settled waits until bi has everything, and returns what the strip shows.
async function settled({ page, told }) {
  await page.waitForFunction(() => document.getElementById('strip').dataset.under === '0')
  const sent = Object.keys(told.requests).length // all of them have left by now
  await page.waitForFunction((n) => document.querySelectorAll('#chips .chip').length === n, sent)
  const out = {
    visitor: await page.evaluate(() => JSON.parse(localStorage.getItem('tributary-shop.visitor')).id),
    facts: Object.fromEntries(await page.$$eval('#facts .cells > div', (all) => all.map((d) => [d.querySelector('dt').textContent, d.querySelector('dd').textContent]))),
    chips: await page.$$eval('#chips .chip', (all) => all.map((c) => c.textContent)),
    ...told,
  }
  told.requests = {}
  return out
}

const press = (page, name) => page.getByRole('button', { name, exact: true }).first().click()
const follow = (page, name) => page.getByRole('link', { name }).first().click()
const heading = (page, name) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()
const enter = async (page, query = '') => {
  await page.goto(shop + query)
  await heading(page, 'Goods for wet weather')
}
const look = async (page, name) => {
  await follow(page, new RegExp(`^${name}`))
  await heading(page, name)
}

// buy goes from the list to the order, and subscribes to the newsletter.
async function buy(tab, picture) {
  const { page } = tab
  await picture('list')
  await look(page, 'Rain jacket')
  await press(page, 'Add to cart')
  await picture('product')
  await follow(page, /^Goods$/)
  await press(page, 'Enamel mug: wish-list')
  await follow(page, /^Wish-list/)
  await heading(page, 'Wish-list')
  await picture('wishes')
  await press(page, 'Move to cart')
  await follow(page, /^Cart/)
  await heading(page, 'Cart')
  await picture('cart')
  await follow(page, 'Check out')
  await heading(page, 'Checkout')
  await picture('checkout')
  await press(page, 'On to payment')
  await press(page, 'On to the order')
  await press(page, 'Place the order')
  await heading(page, 'Thank you.')
  await page.getByLabel('E-mail').fill('ada@shop.example')
  await press(page, 'Subscribe')
  const out = await settled(tab)
  await picture('done')
  return out
}

// desk is a desktop: it buys, comes in again by an advertisement as somebody new, and then as nobody in particular.
async function desk() {
  const tab = await open({ ...devices['Desktop Chrome'], viewport: { width: 1280, height: 900 } })
  const { page } = tab
  await enter(page, '?utm_source=newsletter&utm_medium=email&utm_campaign=november')
  const buyer = await buy(tab, (name) => tab.picture(`desktop-${name}`))
  await follow(page, /A search ad/)
  await page.waitForURL(/utm_medium=cpc/)
  await look(page, 'Wool socks')
  await press(page, 'Add to cart')
  await follow(page, /^Cart/)
  await press(page, 'One more')
  await press(page, 'Remove Wool socks')
  await page.getByText('Your cart is empty.').waitFor()
  const advertised = await settled(tab)
  await press(page, 'Start as a new visitor')
  await page.waitForURL((url) => url.search === '')
  await heading(page, 'Goods for wet weather')
  return { buyer, advertised, anew: await settled(tab) }
}

// phone buys too, and opens the panel.
async function phone() {
  const tab = await open(devices['iPhone 13'])
  await enter(tab.page)
  const caller = await buy(tab, (name) => tab.picture(`phone-${name}`))
  await tab.page.locator('#handle').click()
  await tab.page.getByRole('heading', { name: 'Your session so far' }).waitFor()
  await tab.picture('phone-strip')
  return { caller }
}

// unlucky finds ingest busy, then away, then answering what is lost on the way; the click still counts, and once.
async function unlucky() {
  const tab = await open({ ...devices['Desktop Chrome'], viewport: { width: 1280, height: 900 } })
  const { page } = tab
  await enter(page)
  const before = await settled(tab)
  const faults = [
    (route) => route.fulfill({ status: 503, json: { success: false, error: 'busy for a test' } }),
    (route) => route.abort(),
    async (route) => { await route.fetch(); await route.abort() },
  ]
  await page.route('**/v1/track', (route) => (faults.length > 0 ? faults.shift()(route) : route.continue()))
  const blind = '**/shop/session*' // else bi might tell of the click whose answer was lost before it is sent again
  await page.route(blind, (route) => route.abort())
  await press(page, 'Enamel mug: wish-list')
  await page.getByText('not sent: 503 busy for a test; trying again').first().waitFor()
  await page.getByText('not sent: ingest does not answer; trying again').first().waitFor()
  await tab.picture('desktop-away')
  await page.locator('#feed .safe').waitFor()
  await page.unroute(blind)
  await page.waitForFunction(() => document.querySelectorAll('#chips .chip.micro').length === 1 && document.getElementById('strip').dataset.under === '0')
  tab.told.console = tab.told.console.filter((text) => !text.startsWith('Failed to load resource')) // they were made to fail
  Object.assign(tab.told.requests, before.requests)
  return { unlucky: await settled(tab) }
}

// closed looks at a shop that lets nobody in.
async function closed() {
  const tab = await open({ ...devices['Desktop Chrome'] })
  await tab.page.goto(shop)
  await tab.page.getByText('The simulated day is still being played.').first().waitFor()
  return { closed: { ...tab.told } }
}

async function still() {
  const tab = await open({ ...devices['Desktop Chrome'], viewport: { width: 1280, height: 900 } })
  await enter(tab.page, '?utm_source=instagram&utm_medium=social')
  return { buyer: await buy(tab, () => {}) }
}

try {
  const scripts = { all: [desk, phone, unlucky], still: [still], closed: [closed] }[script]
  console.log(JSON.stringify(Object.assign({}, ...(await Promise.all(scripts.map((s) => s()))))))
} finally {
  await browser.close()
}
