/** Compressed files as they are read again before they get their names. */
import * as Gzip from "@callstream/node/Gzip"
import * as Zstd from "@callstream/node/Zstd"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { gunzipSync, zstdDecompressSync } from "node:zlib"

const pieces = (bytes: Uint8Array, size: number) =>
  Stream.fromIterable(
    Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) => bytes.subarray(n * size, (n + 1) * size))
  )

describe.each([
  ["gzip", Gzip.compression, gunzipSync],
  ["zstd", Zstd.compression, zstdDecompressSync]
] as const)("%s: verify", (_, { encode, verify }, decode) => {
  const members = (texts: ReadonlyArray<string>) =>
    Effect.map(Effect.forEach(texts, encode), (all) => Buffer.concat(all))

  it.effect.prop(
    "whole members are whole, however they are cut into pieces",
    [
      Schema.Array(Schema.String).check(Schema.isMinLength(1)),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 99 }))
    ],
    ([texts, size]) =>
      Effect.gen(function* () {
        assert.isTrue(yield* verify(pieces(yield* members(texts), size)))
      }),
    { arbitrary: { runs: 50 } }
  )

  it.effect("a changed byte, a cut and what is appended are found, unless the texts are the same", () =>
    Effect.gen(function* () {
      const texts = ["first", "second", "third"].map((word) => `{"id":"${word}"}\n`.repeat(30))
      const whole = yield* members(texts)
      for (let at = 0; at < whole.length; at++) {
        const changed = Buffer.from(whole)
        changed.writeUInt8((whole[at] ?? 0) ^ 0x55, at)
        if (yield* verify(pieces(changed, 64))) {
          // A member's head has bytes that no reader needs, such as the time of gzip.
          assert.strictEqual(decode(changed).toString(), texts.join(""))
        }
      }
      const ends: Array<number> = []
      for (const text of texts) ends.push((ends.at(-1) ?? 0) + (yield* encode(text)).length)
      for (let length = 1; length < whole.length; length++) {
        // Node takes a few bytes of a frame's first four for none; that a file is cut is known by its length.
        if (ends.some((end) => length >= end && length < end + 4)) continue
        assert.isFalse(yield* verify(pieces(whole.subarray(0, length), 64)), `cut at ${length}`)
      }
      for (const more of ["x", "\0", "\x1f", "\0".repeat(5000), "{}\n"]) {
        assert.isFalse(yield* verify(pieces(Buffer.concat([whole, Buffer.from(more, "latin1")]), 64)))
      }
    })
  )

  it.effect("what cannot be read fails as it did", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* Effect.flip(verify(Stream.fail("EIO"))), "EIO")
    })
  )
})
