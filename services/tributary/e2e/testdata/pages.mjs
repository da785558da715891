// Loads pages in a headless Chromium: node --input-type=module - <address of ingest> <browser> <JSON of pages> < pages.mjs
// A page is {html, requests}: its text, and how many requests to ingest it makes. They stand in a shop's place, on a host of
// their own, with Segment's browser SDK beside them, and are entered from a newsletter. It prints, as JSON, what they did.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { chromium, devices } from 'playwright-core'

const [, , ingest, executablePath, list] = process.argv
const pages = JSON.parse(list)
const sdk = 'node_modules/@segment/analytics-next/dist/umd/'

const shop = createServer((req, res) => {
  const { pathname } = new URL(req.url, 'http://shop')
  const [, folder, name] = pathname.split('/')
  if (folder === 'analytics') return res.setHeader('Content-Type', 'text/javascript').end(readFileSync(sdk + name))
  if (folder === 'page') return res.setHeader('Content-Type', 'text/html').end('<!doctype html><link rel="icon" href="data:,">' + pages[name].html)
  res.writeHead(404).end()
})
await new Promise((listening) => shop.listen(0, '127.0.0.1', listening))
const host = `127.0.0.1:${shop.address().port}`
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })

async function load({ requests }, i) {
  const page = await (await browser.newContext(devices['Desktop Chrome'])).newPage()
  const told = { elsewhere: [], console: [], visitor: '' }
  let left = requests
  const answered = new Promise((resolve) => {
    page.on('response', async (r) => {
      const { host: to, searchParams } = new URL(r.url())
      if (to !== ingest) return
      told.visitor = r.request().method() === 'POST' ? r.request().postDataJSON().anonymousId : searchParams.get('anonymousId')
      if (r.status() !== 200) told.console.push(`ingest answers ${r.status()}`)
      if (--left === 0) resolve()
    })
  })
  page.on('request', (r) => { if (![host, ingest, ''].includes(new URL(r.url()).host)) told.elsewhere.push(r.url()) })
  page.on('console', (m) => { if (['error', 'warning'].includes(m.type())) told.console.push(m.text()) })
  page.on('pageerror', (e) => told.console.push(String(e)))
  await page.goto(`http://${host}/page/${i}?utm_source=newsletter&utm_medium=email`)
  const tooLate = setTimeout(() => { // a page that does not do its part must not hold up the test
    console.error(`page ${i}: ${left} of ${requests} requests are missing; ${JSON.stringify(told)}`)
    process.exit(1)
  }, 20_000)
  await answered
  clearTimeout(tooLate)
  await page.waitForLoadState('networkidle')
  return told
}

try {
  console.log(JSON.stringify(await Promise.all(pages.map(load))))
} finally {
  await browser.close()
  shop.close()
}
