import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Ask from "../../../src/endpoint/internal/Ask.ts"
import * as Probes from "../../../src/endpoint/internal/Probes.ts"
import { began, second } from "../../history/internal/FakeServer.ts"
import { profileOf, rows, size, undated } from "./ProbeParts.ts"

describe("Probes.listed", () => {
  const listed = (pages: Probes.Seen["pages"], profile: Parameters<typeof profileOf>[0] = {}) => {
    const seen: Pick<Probes.Seen, "pages" | "profile"> = { pages, profile: profileOf(profile) }
    return Probes.listed({ ...nothing, ...seen })
  }
  const nothing: Probes.Seen = {
    profile: profileOf(),
    serverNow: began,
    oldest: undefined,
    isOldestSure: false,
    isListCut: false,
    pagesAtMost: 0,
    pages: [],
    sorted: true,
    localNow: began,
    about: 0,
    rate: 0,
    measured: false,
    repeats: Effect.succeed(false),
    controls: [],
    ends: { newest: false, oldest: false },
    oldRows: [],
    log: Ask.makeLog(),
    trusted: false,
    charactersPerPage: 0
  }
  const page = (number: number, count: number) => ({
    page: number,
    rows: [undated("x"), ...rows("row", ...Array.from({ length: count }, (_, i) => began - i * second))].slice(
      -count || size
    )
  })

  it("is what the last page with calls shows, if that is not full: then it may not be the last one", () => {
    assert.isUndefined(listed([]))
    assert.strictEqual(listed([page(1, 7)]), 7)
    assert.isUndefined(listed([page(1, 10)]))
    assert.strictEqual(listed([page(1, 10), page(4, 7), { page: 16, rows: [] }]), 37)
    assert.isUndefined(listed([page(1, 10), page(4, 10), { page: 16, rows: [] }]))
    assert.isUndefined(listed([page(1, 10), { page: 4, rows: [] }]))
    assert.strictEqual(listed([page(1, 10), page(4, 1)]), 31)
  })

  it("is no length of a page that the server cut, or of one behind a page that fails", () => {
    assert.isUndefined(listed([page(1, 5)], { clamped: true, pageSize: 5 }))
    assert.isUndefined(listed([page(1, 3)], { clamped: true, pageSize: 5 }))
    assert.strictEqual(listed([page(1, 5), page(3, 4)], { clamped: true, pageSize: 5 }), 14)
    assert.strictEqual(listed([page(2, 7)]), 17)
    assert.strictEqual(listed([page(1, 10)], { pageSizeAsked: 20 }), 10)
    assert.strictEqual(listed([{ page: 1, rows: [] }]), 0)
  })
})
