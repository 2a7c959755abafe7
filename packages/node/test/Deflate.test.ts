import * as Deflate from "@callstream/node/Deflate"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { randomBytes } from "node:crypto"
import { inflateRawSync } from "node:zlib"

describe("Deflate.deflater", () => {
  it.effect("makes pieces that are one stream when they are put together, whatever is in them", () =>
    Effect.gen(function* () {
      const { crc32, deflate } = Deflate.deflater
      const contents = ["<row/>".repeat(5000), "", "é😀", randomBytes(100_000).toString("latin1"), "<row/>"].map(
        (text) => Buffer.from(text)
      )
      const pieces = yield* Effect.forEach(contents, deflate)
      const whole = Buffer.concat(contents)
      // An empty block that is the last one.
      assert.deepStrictEqual(inflateRawSync(Buffer.concat([...pieces, Uint8Array.of(3, 0)])), whole)
      assert.strictEqual(
        contents.reduce((before, bytes) => crc32(bytes, before), 0),
        crc32(whole, 0)
      )
      // The check value of the CRC's definition.
      assert.strictEqual(crc32(Buffer.from("123456789"), 0), 0xcbf43926)
    })
  )
})
