/** The page of a report in a real browser. `SCREENSHOTS=folder` keeps how it looks there. */
import { Bill, Calendar, Completeness, Instant, Report } from "@callstream/core"
import { assert, afterAll, beforeAll, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import axe from "axe-core"
import type { Browser, Page } from "playwright-core"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { BillDocument, Document } from "../../../src/render/report/Document.ts"
import * as Figures from "../../../src/render/report/Figures.ts"
import * as Html from "../../../src/render/report/Html.ts"
import * as MaskedError from "../../../src/run/MaskedError.ts"
import { launch } from "../../Browser.ts"
import { calls, end, hostile, secrets } from "./ReportedCalls.ts"

const zone = DateTime.zoneMakeNamedUnsafe("Asia/Kolkata")
const calendar = Calendar.make(zone)
const day = 86_400_000_000
const to = Instant.of(end * 1000)

const documentOf = (days: number, count: number, spread = 2 * days): Document => {
  const from = Instant.of(to - days * day)
  const fold = Report.fold({ calendar, from, to, errorOf: MaskedError.of })
  fold.add(calls(11, count, spread))
  const known: ReadonlyArray<Completeness.Stretch> = [
    { from, to: Instant.of(to - 5 * day), verdict: "proven" },
    { from: Instant.of(to - 4 * day), to: Instant.of(to - 3 * day), verdict: "unprovable", reason: hostile[1] },
    { from: Instant.of(to - 3 * day), to, verdict: "provisional", reason: "calls may still be added" }
  ]
  const report = fold.report()
  return {
    report,
    completeness: Completeness.make(known, report, { notes: [hostile[0]] }),
    zone: { name: "Asia/Kolkata", calendar, clock: calendar },
    unit: { currency: undefined },
    personal: false,
    madeAt: to,
    unreadable: 2
  }
}

const week = documentOf(14, 4000)

const billOf = ({ completeness, madeAt, report: { from, to }, unit, unreadable, zone }: Document): BillDocument => {
  const fold = Bill.fold({
    from,
    to,
    groupOf: ({ agentId }) => agentId ?? "",
    nameOf: ({ agentName }) => agentName ?? undefined
  })
  fold.add(calls(11, 4000, 28))
  return { bill: fold.bill(), by: "agent", from, to, completeness, zone, unit, madeAt, unreadable }
}

const bill = billOf(week)
const screenshots = process.env["SCREENSHOTS"]

let browser: Browser
let folder: string

beforeAll(async () => {
  browser = await launch()
  folder = mkdtempSync(join(tmpdir(), "callstream-page-"))
  writeFileSync(join(folder, "report.html"), Html.page(week))
  writeFileSync(join(folder, "bill.html"), Html.billPage(bill))
})

afterAll(async () => {
  await browser.close()
  rmSync(folder, { recursive: true })
})

interface Opened {
  readonly page: Page
  /** What the browser complained of, and what it asked a network for. */
  readonly complaints: ReadonlyArray<string>
}

const withPage = async <A>(
  options: {
    readonly width: number
    readonly scheme: "light" | "dark"
    readonly bypassCSP?: boolean
    /** @default report */
    readonly name?: "report" | "bill"
  },
  use: (opened: Opened) => Promise<A>
): Promise<A> => {
  const { bypassCSP = false, name = "report", scheme, width } = options
  const address = `file://${join(folder, `${name}.html`)}`
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme, bypassCSP })
  try {
    const page = await context.newPage()
    const complaints: Array<string> = []
    page.on("console", (message) => complaints.push(message.text()))
    page.on("pageerror", ({ message }) => complaints.push(message))
    page.on("dialog", () => complaints.push("a dialog"))
    page.on("request", (request) => {
      if (request.url() !== address && request.url() !== "data:,") complaints.push(request.url())
    })
    await page.goto(address)
    return await use({ page, complaints })
  } finally {
    await context.close()
  }
}

interface Axe {
  readonly axe: {
    readonly run: () => Promise<{
      readonly violations: ReadonlyArray<{
        readonly id: string
        readonly nodes: ReadonlyArray<{ readonly html: string }>
      }>
    }>
  }
}

describe("the page of a report", () => {
  it.each([
    ["report", 390, "light"],
    ["report", 390, "dark"],
    ["report", 1024, "light"],
    ["report", 1024, "dark"],
    ["report", 1440, "light"],
    ["report", 1440, "dark"],
    ["bill", 390, "light"],
    ["bill", 1024, "light"],
    ["bill", 1440, "dark"]
  ] as const)("%s at %d px, %s: no complaint, no request, nothing wider than the screen", (name, width, scheme) =>
    withPage({ name, width, scheme }, async ({ complaints, page }) => {
      if (screenshots !== undefined)
        await page.screenshot({ path: join(screenshots, `${name}-${width}-${scheme}.png`), fullPage: true })
      const over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
      assert.strictEqual(over, 0)
      assert.deepStrictEqual(complaints, [])
      assert.isUndefined(await page.evaluate("window.broken"))
    })
  )

  it.each([
    ["report", 390, "light"],
    ["report", 1440, "dark"],
    ["bill", 390, "dark"]
  ] as const)("%s at %d px, %s: accessible, with its tables open", (name, width, scheme) =>
    // The page would refuse the script of axe.
    withPage({ name, width, scheme, bypassCSP: true }, async ({ page }) => {
      await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate(() => (globalThis as unknown as Axe).axe.run())
      assert.deepStrictEqual(
        violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ""}`),
        []
      )
    })
  )

  it("refuses any other script or style", async () => {
    await withPage({ width: 1024, scheme: "light" }, async ({ complaints, page }) => {
      await page.evaluate(`
        const script = document.createElement("script")
        script.textContent = "window.broken = 1"
        document.head.append(script)
        document.body.insertAdjacentHTML("beforeend", '<p style="color: red"><img src="https://example.com/x.png"></p>')
      `)
      assert.isUndefined(await page.evaluate("window.broken"))
      assert.isAbove(complaints.filter((text) => text.includes("Content Security Policy")).length, 2)
    })
  })

  it("reads its charts to the keyboard and to a finger", async () => {
    await withPage({ width: 1024, scheme: "light" }, async ({ page }) => {
      const plot = page.getByRole("group", { name: /^Calls by day/ })
      const tip = page.getByRole("status")
      await plot.focus()
      await page.keyboard.press("ArrowRight")
      const first = week.report.days[0]
      assert.match(
        (await tip.textContent()) ?? "",
        new RegExp(`^Sun 15 Nov 2026 \\(part of the day\\): ${first?.totals.calls} calls\n\\d+ completed\n`)
      )
      await page.keyboard.press("End")
      assert.match((await tip.textContent()) ?? "", /^Sun 29 Nov 2026/)
      await page.keyboard.press("ArrowLeft")
      assert.match((await tip.textContent()) ?? "", /^Sat 28 Nov 2026/)
      await page.keyboard.press("Escape")
      assert.isFalse(await tip.isVisible())
      await page.locator(".heat .cell").nth(30).dispatchEvent("pointerdown")
      assert.match((await tip.textContent()) ?? "", /^Tue 06:00 to 07:00: \d+ calls?$/)
    })
  })

  it("has the figures of the report in its table", async () => {
    await withPage({ width: 1024, scheme: "light" }, async ({ page }) => {
      const rows = await page.evaluate(
        "[...document.querySelector('details table tbody').rows].map((row) => [...row.cells].map((cell) => cell.textContent))"
      )
      const shown = (rows as ReadonlyArray<ReadonlyArray<string>>).map(([title = "", calls]) => [
        title.replace(" (part of the day)", "").split(" ").slice(1, 3).join(" "),
        calls
      ])
      const expected = week.report.days.map(({ date, totals }) => [
        `${Number(date.slice(8))} Nov`,
        totals.calls.toLocaleString("en-US")
      ])
      assert.deepStrictEqual(shown, expected)
    })
  })
})

describe("the text of a page", () => {
  it("has nothing of a customer, unless that is asked for", () => {
    const page = Html.page(week)
    for (const { number } of week.report.callers.most) assert.notInclude(page, number)
    for (const secret of ["+1415555", "+4930555", "Mr. Unique", secrets.email]) assert.notInclude(page, secret)
    assert.include(Html.page({ ...week, personal: true }), week.report.callers.most[0]?.number ?? "a caller")
  })

  it("of a bill has each group with its exact cost, and the calls that are not billed", () => {
    const page = Html.billPage(bill)
    const { groups, open, total } = bill.bill
    assert.isAbove(groups.length, 10)
    for (const { calls, cost } of groups) {
      assert.include(page, `<td class="n">${Figures.exactCost(cost, 4)}</td>`)
      assert.include(page, `<td class="n">${calls}</td>`)
    }
    assert.include(page, Figures.exactCost(total.cost, 4))
    assert.isAbove(open.length, 0)
    for (const { id } of open.slice(0, 500)) assert.include(page, `>${id}<`)
    for (const secret of ["+1415555", "+4930555", secrets.name]) assert.notInclude(page, secret)
  })

  it("of 20,000 calls in a year is smaller than 300 kB, and hardly grows with their number", () => {
    const page = Html.page(documentOf(365, 20_000, 365))
    assert.isBelow(page.length, 300_000)
    assert.include(page, "Calls by month")
  })
})
