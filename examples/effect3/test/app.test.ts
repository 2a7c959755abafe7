import { afterAll, describe, it } from "vitest"
import { dispose, handler } from "../src/app.ts"

const get = (path: string) => handler(new Request(`http://app.example${path}`))

afterAll(() => dispose())

describe("the app on Effect 3", () => {
  it("hands every call on, once", async ({ expect }) => {
    const response = await get("/calls")
    expect(response.headers.get("content-type")).toBe("application/x-ndjson")
    const lines = (await response.text()).trimEnd().split("\n")
    const ids = lines.map((line) => (JSON.parse(line) as { readonly id: string }).id)
    expect([ids.length, new Set(ids).size]).toEqual([2345, 2345])
  })

  it("adds calls up by what became of them", async ({ expect }) => {
    const rows = (await (await get("/summary")).json()) as ReadonlyArray<{ calls: number; cost: string }>
    expect(rows.reduce((sum, { calls }) => sum + calls, 0)).toBe(2345)
    expect(rows.every(({ cost }) => /^\d+(\.\d+)?$/.test(cost))).toBe(true)
  })

  it("refuses what is no time", async ({ expect }) => {
    const response = await get("/calls?since=yesterday")
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining("from")])
  })
})
