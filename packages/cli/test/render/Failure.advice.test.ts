import { AgniError, CheckpointError, OutputError, SinkError } from "@callstream/core"
import type { CheckpointReason } from "@callstream/core/checkpoint/CheckpointError"
import * as Reasons from "@callstream/core/model/AgniError"
import type { SqlFailure } from "@callstream/core/platform/SqlFailure"
import { UntrustedFile } from "@callstream/core/platform/TrustedFile"
import type { SinkReason } from "@callstream/core/sink/SinkReason"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import { inFile } from "../../src/option/Speaker.ts"
import { type CommandError, report } from "../../src/render/Failure.ts"

const told = (error: CommandError, options: Partial<Parameters<typeof report>[1]> = {}) =>
  report(Cause.fail(error), { debug: false, ...options })

const sink = (reason: SinkReason, operation: SinkError["operation"] = "open", retryable = false) =>
  new SinkError({ sink: "calls", operation, retryable, reason })

const database = (problem: Extract<SqlFailure, { readonly _tag: "Server" }>["problem"], retryable: boolean) =>
  ({ _tag: "Database", failure: { _tag: "Server", problem, retryable } }) as const

const checkpoint = (reason: CheckpointReason) => new CheckpointError({ reason })

const refusedKey = new AgniError({
  reason: new Reasons.Unauthorized({}),
  request: "GET https://api.example/x",
  attempts: 1,
  elapsed: Duration.zero
})

const link = new UntrustedFile({ path: "/d/calls", problem: { _tag: "Link" } })

/** The table of docs/cli.md. */
const codes: ReadonlyArray<readonly [what: string, error: CommandError, code: number]> = [
  ["a key that the API refuses", refusedKey, 1],
  ["a database that is down", sink(database("ConnectionRefused", true)), 1],
  ["a wrong password of a database", sink(database("WrongPassword", false)), 2],
  ["a disk that is full during the run", sink(database("DiskFull", true), "flush", true), 1],
  ["an unusable table", sink({ _tag: "Table", problem: { _tag: "NoKey", table: "calls" } }, "write"), 2],
  ["a receiver that may not be sent to", sink({ _tag: "ReceiverHost", problem: "private" }), 2],
  ["a receiver whose name cannot be looked up", sink({ _tag: "ReceiverHost", problem: "lookup" }, "open", true), 1],
  ["a receiver that stopped the run", sink({ _tag: "Stopped", answer: { _tag: "Status", status: 401 } }, "write"), 1],
  ["a file that is there", new OutputError({ target: "calls", operation: "open", reason: { _tag: "Exists" } }), 2],
  ["a full disk", new OutputError({ target: "calls", operation: "write", reason: { _tag: "Full" } }), 1],
  ["a state in a database that is down", checkpoint({ ...database("ConnectionRefused", true), name: "state" }), 1],
  ["a state in a database that is none", checkpoint({ ...database("NoDatabase", false), name: "state" }), 2],
  ["a state that cannot be written", checkpoint({ _tag: "File", path: "s", action: "written", code: "ENOSPC" }), 1],
  ["a file in place of the folder of states", checkpoint({ _tag: "NotAFolder", path: ".callstream" }), 2],
  ["a run in progress", checkpoint({ _tag: "Held", pipeline: "p", held: { _tag: "Running" } }), 2],
  ["a run that lost its state to another one", checkpoint({ _tag: "Fenced", pipeline: "p" }), 1],
  ["a run whose table another one took over", sink({ _tag: "Fenced" }), 1],
  [
    "a run whose file another one took over",
    sink({ _tag: "Output", target: "calls", reason: { _tag: "Fenced" } }, "flush"),
    1
  ],
  [
    "a table of commits that its owner must change",
    sink({ _tag: "Table", problem: { _tag: "NoEpoch", table: '"c"' } }),
    2
  ],
  ["a checkpoint of something else", checkpoint({ _tag: "Different", pipeline: "p", parts: [] }), 2]
]

describe("exit codes and advice", () => {
  it.each(codes)("%s", (what, error, code) => {
    const { exitCode, lines } = told(error)
    assert.strictEqual(exitCode, code, what)
    // A problem, and something to do: all of these have it.
    assert.isAtLeast(lines.length, 2, what)
    assert.match(lines.at(-1) ?? "", /^ {2}[A-Z].*[^ ]$/, what)
  })

  it("a run is said to resume only where it does", () => {
    const full = new OutputError({ target: "calls", operation: "write", reason: { _tag: "Full" } })
    for (const error of [
      full,
      sink(database("ConnectionLost", true)),
      checkpoint({ _tag: "File", path: "s", action: "written", code: "ENOSPC" })
    ]) {
      assert.notInclude(told(error).lines.join("\n"), "resume")
      assert.include(
        told(error, { resumes: true }).lines.join("\n"),
        "run it again: it resumes where it stopped".slice(4)
      )
    }
  })

  it("options are named as the person writes them", () => {
    const table = sink({ _tag: "Table", problem: { _tag: "NoSchema", schema: 'a"b' } })
    assert.strictEqual(told(table).lines.at(-1), '  Make it (CREATE SCHEMA "a""b"), or name another one with --schema.')
    assert.include(told(table, { speaker: inFile }).lines.at(-1), "another one with schema.")
    const exists = new OutputError({ target: "calls", operation: "open", reason: { _tag: "Exists" } })
    assert.include(told(exists).lines.at(-1), "add --force to replace it")
    assert.include(told(exists, { speaker: inFile }).lines.at(-1), "add force: true to replace it")
    const host = sink({ _tag: "ReceiverHost", problem: "private" })
    assert.include(told(host).lines.at(-1), "--allow-private-hosts")
    assert.include(told(host, { speaker: inFile }).lines.at(-1), "allowPrivateHosts: true")
  })

  it("what a run would have to read to replace a file is named", () => {
    const late = new OutputError({
      target: "calls-2026-07-28.ndjson",
      operation: "open",
      reason: {
        _tag: "Uncovered",
        gap: {
          _tag: "Partly",
          had: { from: "2026-07-28T00:00:00Z", to: "2026-07-29T00:00:00Z" },
          reads: { from: "2026-07-28T06:00:00Z" },
          missing: { from: true, to: false }
        }
      }
    })
    assert.deepStrictEqual(told(late).lines, [
      "error: calls-2026-07-28.ndjson: it holds the calls from 2026-07-28T00:00:00Z to 2026-07-29T00:00:00Z, and this run reads those from 2026-07-28T06:00:00Z to the end",
      "  Set --since 2026-07-28T00:00:00Z, or choose another name."
    ])
  })

  it("a lock says what to wait for or to remove", () => {
    const at = { _tag: "File", path: "/d/calls.lock" } as const
    const holder = { pid: 7, host: "elsewhere", since: "2026-01-01T00:00:00Z", here: false }
    const held = (held: Extract<CheckpointReason, { readonly _tag: "Held" }>["held"]) =>
      told(checkpoint({ _tag: "Held", pipeline: "night'ly", held })).lines.join("\n")
    assert.include(held({ _tag: "Running", holder, place: at }), "remove /d/calls.lock")
    assert.include(held({ _tag: "Elsewhere", holder, place: at }), "cannot be seen from here")
    assert.include(
      held({ _tag: "Elsewhere", holder, place: { _tag: "Row", table: "t", name: "night'ly" } }),
      "WHERE name = 'night''ly'"
    )
  })

  it("an untrusted file is reported in the same words everywhere", () => {
    const advice = "  Remove the link, or name the file that it points to."
    for (const error of [
      sink({ _tag: "Untrusted", file: link }),
      sink({ _tag: "Database", failure: { _tag: "Untrusted", file: link } }),
      checkpoint({ _tag: "Untrusted", file: link }),
      new OutputError({ target: "/d/calls", operation: "open", reason: { _tag: "Untrusted", file: link } })
    ]) {
      assert.strictEqual(told(error).lines.at(-1), advice)
    }
  })

  it("a disk that may not be written to is no bucket", () => {
    const adviceOn = (code?: string) =>
      told(
        new OutputError({
          target: "calls",
          operation: "open",
          reason: { _tag: "NotAllowed" },
          ...(code === undefined ? {} : { code })
        })
      ).lines.at(-1)
    const folder = "  Let this user write there, or choose another folder."
    assert.strictEqual(adviceOn("EACCES"), folder)
    assert.strictEqual(adviceOn("EROFS"), "  Choose another place: the file system is read-only.")
    for (const code of ["AccessDenied", undefined]) assert.include(adviceOn(code), "In a bucket the keys need s3:")
  })
})
