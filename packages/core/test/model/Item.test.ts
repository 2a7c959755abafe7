import { assert, describe, it } from "@effect/vitest"
import * as CallSession from "../../src/model/CallSession.ts"
import * as Instant from "../../src/model/Instant.ts"
import { type Item, withRow } from "../../src/model/Item.ts"
import * as Packed from "../../src/model/internal/Packed.ts"
import * as Version from "../../src/model/Version.ts"

const session = CallSession.CallSession.make({ id: "a", startedAt: "2026-07-31T07:16:10Z" })
const version = Version.of(7)

/** An item whose row is read when it is asked for. */
const packed = (): Item<CallSession.CallSession> => {
  const [item] = Packed.unpack(Packed.pack([session]), () => version)
  return item ?? assert.fail("nothing was unpacked")
}

describe("Item", () => {
  it("does not compile as a copy, which has no row", () => {
    const item = packed()
    // @ts-expect-error -- the row is not in the copy
    const copy: Item<CallSession.CallSession> = { ...item }
    assert.isUndefined(copy.row)
    assert.deepStrictEqual(item.row, session)
  })

  it("has another row, or the same one with other values beside it", () => {
    const item = packed()
    const start = Instant.parse("2026-07-31T07:16:10Z")
    assert.deepStrictEqual(withRow(item, { n: 1 }), { id: "a", start, version, row: { n: 1 } })
    const later = Version.of(8)
    assert.deepStrictEqual(withRow({ ...item, version: later }, item.row), {
      id: "a",
      start,
      version: later,
      row: session
    })
  })
})
