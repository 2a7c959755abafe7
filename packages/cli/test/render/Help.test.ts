import { assert, describe, it } from "@effect/vitest"
import { wrap } from "../../src/render/Help.ts"

const help = `DESCRIPTION
  Takes what there is and puts it where it is wanted.

FLAGS
  --since TIME    Sessions that started at this time or later
  \u001b[32m--until\u001b[0m TIME    Before it`

describe("Help", () => {
  it("leaves what fits", () => assert.strictEqual(wrap(help, 80), help))

  it("breaks between words and stays in the column", () =>
    assert.strictEqual(
      wrap(help, 40),
      `DESCRIPTION
  Takes what there is and puts it where
  it is wanted.

FLAGS
  --since TIME    Sessions that started
                  at this time or later
  \u001b[32m--until\u001b[0m TIME    Before it`
    ))

  it("goes below where there is no room beside", () =>
    assert.strictEqual(
      wrap("  --since TIME    Sessions that started", 24),
      `  --since TIME
    Sessions that
    started`
    ))
})
