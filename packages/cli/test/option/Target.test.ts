import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Target from "../../src/option/Target.ts"

describe("Target", () => {
  it("knows stdout and files by what they look like", () => {
    for (const [text, target] of [
      ["-", { _tag: "Stdout" }],
      ["calls.ndjson", { _tag: "File", path: "calls.ndjson", format: "ndjson", compression: undefined }],
      ["../a b/Calls.JSONL", { _tag: "File", path: "../a b/Calls.JSONL", format: "ndjson", compression: undefined }],
      ["/tmp/calls.ndjson.gz", { _tag: "File", path: "/tmp/calls.ndjson.gz", format: "ndjson", compression: "gzip" }],
      ["calls.ndjson.zst", { _tag: "File", path: "calls.ndjson.zst", format: "ndjson", compression: "zstd" }],
      ["calls.CSV", { _tag: "File", path: "calls.CSV", format: "csv", compression: undefined }],
      ["calls.csv.gz", { _tag: "File", path: "calls.csv.gz", format: "csv", compression: "gzip" }],
      ["calls.csv.zst", { _tag: "File", path: "calls.csv.zst", format: "csv", compression: "zstd" }],
      ["calls.XLSX", { _tag: "File", path: "calls.XLSX", format: "xlsx", compression: undefined }],
      [
        "s3://bucket/a/calls.csv.gz",
        { _tag: "Object", url: "s3://bucket/a/calls.csv.gz", bucket: "bucket", format: "csv", compression: "gzip" }
      ],
      ["a/calls.parquet", { _tag: "File", path: "a/calls.parquet", format: "parquet", compression: undefined }]
    ] as const) {
      assert.deepStrictEqual(Target.parse(text), Option.some<Target.Target>(target), text)
    }
  })

  it("knows no object that a URL would have elsewhere", () => {
    for (const text of [
      "s3://bucket/../other/calls.csv",
      "s3://bucket/a/./calls.csv",
      "s3://bucket/a/..",
      "s3://B/a.csv"
    ]) {
      assert.isTrue(Option.isNone(Target.parse(text)), text)
    }
    assert.isTrue(Option.isSome(Target.parse("s3://bucket/a.b/..c/calls.csv")))
  })

  it("knows a folder, of files that are named after the calls", () => {
    const file = { format: "ndjson", compression: undefined } as const
    for (const [text, target] of [
      ["calls/", { _tag: "File", path: "calls/calls.ndjson", ...file }],
      ["./", { _tag: "File", path: "./calls.ndjson", ...file }],
      ["s3://bucket/", { _tag: "Object", url: "s3://bucket/calls.ndjson", bucket: "bucket", ...file }],
      ["s3://bucket/a/b/", { _tag: "Object", url: "s3://bucket/a/b/calls.ndjson", bucket: "bucket", ...file }]
    ] as const) {
      assert.deepStrictEqual(Target.parse(text), Option.some<Target.Target>(target), text)
    }
    assert.isFalse(Target.isFolder("https://example.com/hook/"))
  })

  it("keeps the URL of a webhook, which may be a secret, out of sight", () => {
    const target = Option.getOrThrow(Target.parse("https://example.com/hook/canary?token=canary"))
    assert.strictEqual(target._tag, "Webhook")
    assert.strictEqual(Target.describe(target), "example.com")
    assert.notInclude(JSON.stringify(target), "canary")
  })

  it("knows databases, and keeps their URLs out of sight", () => {
    for (const [text, name] of [
      ["sqlite:calls.db", "sqlite:calls.db"],
      ["postgres:DATABASE_URL", "postgres:DATABASE_URL"],
      ["postgres:@/run/secrets/db", "postgres:@/run/secrets/db"],
      ["postgresql://u:canary@db.example.com:6432/calls?sslmode=require", "postgres://db.example.com:6432/calls"]
    ] as const) {
      const target = Option.getOrThrow(Target.parse(text))
      assert.strictEqual(target._tag, "Table")
      assert.strictEqual(Target.describe(target), name)
      assert.notInclude(JSON.stringify(target), "canary")
    }
    for (const text of ["sqlite:", "postgres:", "postgres:@", "postgres:NOT-A-NAME", "calls.db", "sqlite::memory:"]) {
      assert.isTrue(Option.isNone(Target.parse(text)), text)
    }
    const [database] = Option.toArray(Target.parse("sqlite:a/calls.db"))
    assert.strictEqual(Target.deadLettersOf(database === undefined ? [] : [database]), "a/calls.db.dead-letters.ndjson")
  })

  it("gives each of several pipelines dead letters of its own, also where they share a database", () => {
    const database = Option.getOrUndefined(Target.parse("sqlite:a/calls.db"))
    assert.isDefined(database)
    if (database === undefined) return
    assert.strictEqual(Target.deadLettersOf([database], "nightly"), "a/calls.db.nightly.dead-letters.ndjson")
    assert.strictEqual(Target.deadLettersOf([{ _tag: "Stdout" }], "a/b"), "a%2Fb.dead-letters.ndjson")
  })

  it("takes nothing else for a file", () => {
    for (const text of [
      "",
      "--",
      "calls",
      "calls.tsv",
      ".csv",
      ".parquet",
      "calls.xlsx.gz",
      "calls.xls",
      "calls.parquet.gz",
      "calls.json",
      "ndjson",
      ".ndjson",
      "folder/.ndjson",
      "a.ndjson.bz2",
      "https://",
      "gs://bucket/calls.parquet",
      "s3://",
      "s3:///",
      "s3://B/prefix/",
      "s3://bucket/../",
      "s3://b/calls.parquet",
      "s3:///calls.parquet",
      "gs://bucket/calls.ndjson",
      "ftp://example.com/calls.ndjson.tar"
    ]) {
      assert.isTrue(Option.isNone(Target.parse(text)), text)
    }
  })

  it("puts dead letters beside the output", () => {
    assert.strictEqual(
      Target.deadLettersOf([
        { _tag: "Stdout" },
        { _tag: "File", path: "a/b.ndjson.gz", format: "ndjson", compression: "gzip" }
      ]),
      "a/b.ndjson.gz.dead-letters.ndjson"
    )
    assert.strictEqual(Target.deadLettersOf([{ _tag: "Stdout" }]), "callstream.dead-letters.ndjson")
  })
})
