import * as Version from "@callstream/core/model/Version"
import { Milestone } from "@callstream/core/model/Change"
import { laters } from "@callstream/core/sync/Settlement"
import { assert, describe, it } from "@effect/vitest"
import * as EntryPage from "../../src/sync/internal/EntryPage.ts"
import * as PageIndex from "../../src/sync/internal/PageIndex.ts"
import { newPage, uuid } from "./LedgerLaws.ts"
import { random } from "./SyncRandom.ts"

const second = 1_000_000

describe("EntryPage", () => {
  it("has each call as it was put into it", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const source = random(seed)
      const { below, chance } = source
      const time = () => below(4_000_000_000) * second
      const page = new EntryPage.NewPage(3, 1 + below(2 ** 40), time())
      for (let place = 0; place < page.size; place++) {
        const [status, reached] = [below(3), below(32)]
        const milestones = Milestone.literals.filter((_, i) => (reached & (1 << i)) !== 0)
        const digests = Array.from({ length: 5 }, () => below(2 ** 32))
        const row = chance(0.5) ? below(2 ** 32) : undefined
        const shown = chance(0.5)
        const fields = {
          id: uuid(source),
          start: time() + below(second),
          created: chance(0.5) ? time() : undefined,
          ended: chance(0.5) ? time() : undefined,
          agent: `agent ${below(3)}`,
          counted: chance(0.5),
          due: chance(0.5) ? second + time() : undefined,
          sequence: Version.of(time() + below(second))
        }
        const { agent: of, counted, created, due = 0, id, sequence, start: began } = fields
        page.putTimes(place, began, created ?? Number.NaN, fields.ended ?? Number.NaN)
        page.putVersion(place, sequence)
        page.put(place, id, of, status | (reached << 2), counted, due / second)
        for (const [facet, digest] of digests.entries()) page.putDigest(place, facet, digest)
        if (shown) page.show(place, row)
        const lacks = laters.filter((facet) => !milestones.includes(facet))
        const expected = {
          ...fields,
          status: (["open", "answered", "unanswered"] as const)[status] ?? "open",
          milestones,
          lacks,
          digests,
          readAt: page.readAt,
          firstSeen: page.readAt,
          born: page.first + place,
          changed: page.first + place,
          doubted: undefined,
          gone: undefined,
          owed: false,
          shown: shown ? ("shown" as const) : ("never" as const),
          row: shown ? row : undefined
        }
        assert.deepStrictEqual(page.at(place), expected, `seed ${seed}`)
        const { agent, ended, start, status: word } = page.at(place)
        assert.deepStrictEqual(page.factsAt(place), { agent, status: word, end: ended ?? start ?? 0, lacks })
      }
    }
  })

  it("is kept in parts, each with the range that its calls start in, and comes back from them", () => {
    const source = random(1)
    const ids = Array.from({ length: 2 * EntryPage.most + 1 }, () => uuid(source))
    const page = newPage(source, ids, 100)
    const agents: Array<string> = ["another"]
    const placeOf = (agent: string) => (agents.includes(agent) ? agents.indexOf(agent) : agents.push(agent) - 1)
    const parts = page.parts(placeOf) ?? []
    assert.deepStrictEqual(
      parts.map(({ calls }) => calls),
      [EntryPage.most, EntryPage.most, 1]
    )
    const back = parts.flatMap((part) => {
      const kept = EntryPage.ofKept(part, agents)
      const entries = Array.from({ length: kept.size }, (_, i) => kept.at(i))
      const seconds = entries.map(({ start = 0 }) => Math.floor(start / second))
      assert.deepStrictEqual([part.since, part.until], [Math.min(...seconds), Math.max(...seconds)])
      const due = entries.flatMap(({ due }) => (due === undefined ? [] : [due / second]))
      assert.strictEqual(part.due, due.length === 0 ? null : Math.min(...due))
      return entries
    })
    assert.deepStrictEqual(
      back,
      ids.map((_, i) => page.at(i))
    )
    // One that no ledger with these agents wrote.
    assert.isFalse(parts.every((part) => EntryPage.ofKept(part, []).isWhole()))
    // An id that is no UUID has no 16 bytes.
    assert.isUndefined(newPage(source, [...ids, "a"], 1).parts(placeOf))
  })
})

describe("PageIndex", () => {
  it("finds the page of each call, whether it was there at first or came later, and hardly any other", () => {
    const source = random(2)
    const pages = Array.from({ length: 700 }, (_, i) => {
      const ids = Array.from({ length: 100 }, () => uuid(source))
      const [part] = newPage(source, ids, 1 + 100 * i).parts(() => 0) ?? []
      assert.isDefined(part)
      return { ids, first: part?.first ?? 0, bytes: part?.ids ?? new Uint8Array() }
    })
    const index = PageIndex.of(pages.slice(0, 50).map(({ bytes, first }) => ({ first, ids: bytes })))
    // More than are kept in a map.
    for (const { bytes, first } of pages.slice(50)) PageIndex.add(index, first, bytes)
    let others = 0
    for (const { first, ids } of pages) {
      for (const id of ids) {
        const found = PageIndex.find(index, [id])
        assert.isTrue(found.has(first), id)
        others += found.size - 1
      }
    }
    // 70,000 calls by 70,000 / 2^32.
    assert.isBelow(others, 20)
    assert.strictEqual(PageIndex.find(index, ["a", uuid(source)]).size, 0)
  })
})
