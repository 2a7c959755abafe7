import * as Money from "@callstream/core/report/Money"
import { assert, describe, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"

const of = (text: string) => BigDecimal.fromStringUnsafe(text)

describe("Money", () => {
  it.each([
    ["0", "0"],
    ["-0", "0"],
    ["0.10", "0.1"],
    ["1200", "1200"],
    ["-0.05", "-0.05"],
    ["1e-20", "0.00000000000000000001"],
    ["12e20", "1200000000000000000000"],
    ["12345678901234567890.123456789", "12345678901234567890.123456789"]
  ])("%s is written as %s", (text, expected) => {
    assert.strictEqual(Money.format(of(text)), expected)
  })

  it.each([
    ["1234.5", 2, "1234.50"],
    ["0.005", 2, "0.01"],
    ["-0.005", 2, "-0.01"],
    ["0.0049", 2, "0.00"],
    ["7", 0, "7"],
    ["0.5", 0, "1"]
  ])("%s with %d digits is %s", (text, digits, expected) => {
    assert.strictEqual(Money.toFixed(of(text), digits), expected)
  })

  it("a thousand times a tenth is a hundred", () => {
    const sum = Array.from({ length: 1000 }, () => of("0.1")).reduce(BigDecimal.sum, Money.zero)
    assert.strictEqual(Money.format(sum), "100")
  })
})
