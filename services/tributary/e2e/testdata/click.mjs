// Clicks through the shop in a headless Chromium: node --input-type=module - <address> <browser> <folder> < click.mjs
// It prints, as JSON, what the strip showed to each visitor at the end, and what the browser sent. Pictures go to the folder.
import { chromium, devices } from 'playwright-core'

const [, , shop, executablePath, folder] = process.argv
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
  const picture = (name) => page.screenshot({ path: `${folder}/${name}.png` })
  return { page, told, picture }
}

// settled waits until bi has everything, and returns what the strip shows.
async function settled({ page, told }) {
  await page.waitForFunction(() => {
    const rows = [...document.querySelectorAll('#feed li')]
    return rows.length > 0 && rows.every((r) => r.className === 'stored') && document.querySelectorAll('#chips .chip:not(.pending)').length >= rows.length
  })
  return {
    visitor: await page.evaluate(() => JSON.parse(localStorage.getItem('tributary-shop.visitor')).id),
    facts: Object.fromEntries(await page.$$eval('#facts .cells > div', (all) => all.map((d) => [d.querySelector('dt').textContent, d.querySelector('dd').textContent]))),
    chips: await page.$$eval('#chips .chip', (all) => all.map((c) => c.textContent)),
    ...told,
  }
}

const out = {}
const click = (page, name, role = 'button') => page.getByRole(role, { name, exact: true }).first().click()
const heading = (page, name) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()

// A desktop: from the list to the order, and the newsletter.
const desktop = await open({ ...devices['Desktop Chrome'], viewport: { width: 1280, height: 900 } })
{
  const { page, picture } = desktop
  await page.goto(shop + '?utm_source=newsletter&utm_medium=email&utm_campaign=november')
  await heading(page, 'Goods for wet weather')
  await page.waitForFunction(() => document.querySelectorAll('#feed .stored').length === 2)
  await picture('desktop-list')
  await page.getByRole('link', { name: /Rain jacket/ }).click()
  await heading(page, 'Rain jacket')
  await click(page, 'Add to cart')
  await page.getByRole('link', { name: /^Goods$/ }).first().click()
  await click(page, 'Enamel mug: wish-list')
  await page.getByRole('link', { name: /^Wish-list/ }).click()
  await heading(page, 'Wish-list')
  await picture('desktop-wishes')
  await click(page, 'Move to cart')
  await page.getByRole('link', { name: /^Cart/ }).click()
  await heading(page, 'Cart')
  await picture('desktop-cart')
  await click(page, 'Check out', 'link')
  await heading(page, 'Checkout')
  await picture('desktop-checkout')
  await click(page, 'On to payment')
  await click(page, 'On to the order')
  await click(page, 'Place the order')
  await heading(page, 'Thank you.')
  await page.getByLabel('E-mail').fill('ada@shop.example')
  await click(page, 'Subscribe')
  out.buyer = await settled(desktop)
  await picture('desktop-done')
}
await browser.close()
console.log(JSON.stringify(out))
