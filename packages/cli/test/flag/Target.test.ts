import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Target from "../../src/flag/Target.ts"

describe("Target", () => {
  it("knows stdout and files by what they look like", () => {
    for (const [text, target] of [
      ["-", { _tag: "Stdout" }],
      ["calls.ndjson", { _tag: "File", path: "calls.ndjson", gzip: false }],
      ["../a b/Calls.JSONL", { _tag: "File", path: "../a b/Calls.JSONL", gzip: false }],
      ["/tmp/calls.ndjson.gz", { _tag: "File", path: "/tmp/calls.ndjson.gz", gzip: true }]
    ] as const) {
      assert.deepStrictEqual(Target.parse(text), Option.some<Target.Target>(target), text)
    }
  })

  it("takes nothing else for a file", () => {
    for (const text of [
      "",
      "--",
      "calls",
      "calls.csv",
      "calls.json",
      "ndjson",
      ".ndjson",
      "folder/.ndjson",
      "a.ndjson.zst"
    ]) {
      assert.isTrue(Option.isNone(Target.parse(text)), text)
    }
  })

  it("puts dead letters beside the output", () => {
    assert.strictEqual(
      Target.deadLettersOf({ _tag: "File", path: "a/b.ndjson.gz", gzip: true }),
      "a/b.ndjson.gz.dead-letters.ndjson"
    )
    assert.strictEqual(Target.deadLettersOf({ _tag: "Stdout" }), "callstream.dead-letters.ndjson")
  })
})
