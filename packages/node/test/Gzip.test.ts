import * as Gzip from "@callstream/node/Gzip"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { gunzipSync } from "node:zlib"

describe("Gzip.encode", () => {
  it.effect.prop(
    "members one after another are the texts one after another",
    [Schema.Array(Schema.String)],
    ([texts]) =>
      Effect.gen(function* () {
        const wellFormed = texts.map((text) => text.toWellFormed())
        const members = yield* Effect.forEach(wellFormed, Gzip.encode)
        for (const [index, member] of members.entries()) {
          assert.strictEqual(gunzipSync(member).toString(), wellFormed[index])
        }
        // No members at all are no gzip file.
        if (members.length > 0) assert.strictEqual(gunzipSync(Buffer.concat(members)).toString(), wellFormed.join(""))
      }),
    { arbitrary: { runs: 50 } }
  )

  it.effect("makes a large text small, and keeps it whole", () =>
    Effect.gen(function* () {
      const text = `{"id":"é😀"}\n`.repeat(200_000)
      const member = yield* Gzip.encode(text)
      assert.isBelow(member.length, text.length / 50)
      assert.strictEqual(gunzipSync(member).toString(), text)
    })
  )
})
