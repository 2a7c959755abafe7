import { assert, describe, it } from "@effect/vitest"
import * as Exposition from "../../src/run/Exposition.ts"

const first = `# HELP a_total Things
# TYPE a_total counter
a_total{reason="x, \\"y\\" }"} 2
# TYPE g gauge
g{pipeline="p"} 5
# TYPE h histogram
h_bucket{le="1"} 1
h_bucket{le="+Inf"} 3
h_sum 4.5
h_count 3
`

describe("Exposition", () => {
  it("is the same after it was read, whatever its labels hold", () => {
    assert.strictEqual(Exposition.format(Exposition.parse(first)), first)
  })

  it("adds labels to the series that lack them", () => {
    const text = 'a_total 1\na_total{run="own"} 2\na_total{rerun="1"} 3\n'
    assert.deepStrictEqual(
      [...(Exposition.parse(text, { run: "m" }).get("a_total")?.series ?? [])],
      [
        ['a_total{run="m"}', 1],
        ['a_total{run="own"}', 2],
        ['a_total{run="m",rerun="1"}', 3]
      ]
    )
  })

  it("adds counters and histograms up, replaces gauges, and keeps what is not new", () => {
    const now = `# TYPE a_total counter
a_total{reason="new"} 1
a_total{reason="x, \\"y\\" }"} 40
# TYPE g gauge
g{pipeline="p"} 1
# TYPE h histogram
h_bucket{le="1"} 1
h_bucket{le="+Inf"} 1
h_sum 0.5
h_count 1
`
    const both = Exposition.after(Exposition.parse(first), Exposition.parse(now))
    assert.strictEqual(
      Exposition.format(both),
      `# TYPE a_total counter
a_total{reason="x, \\"y\\" }"} 42
a_total{reason="new"} 1
# TYPE g gauge
g{pipeline="p"} 1
# TYPE h histogram
h_bucket{le="1"} 2
h_bucket{le="+Inf"} 4
h_sum 5
h_count 4
`
    )
    assert.strictEqual(Exposition.format(Exposition.after(Exposition.parse(first), new Map())), first)
  })

  it("ignores what is no metric", () => {
    assert.strictEqual(Exposition.format(Exposition.parse("hello\n# a comment\n{} 1\n")), "")
  })
})
