/** `FileCheckpoint` on a real file system, with real processes. */
import * as Position from "@callstream/core/model/Position"
import { Checkpoint, type State } from "@callstream/core/checkpoint/Checkpoint"
import { CheckpointError } from "@callstream/core/checkpoint/CheckpointError"
import * as FileCheckpoint from "@callstream/core/checkpoint/FileCheckpoint"
import * as NodeProcessOwner from "@callstream/node/NodeProcessOwner"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import * as Fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

const platform = Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeProcessOwner.layer)

const inFolder = <A, E>(test: (folder: string) => Effect.Effect<A, E>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => Fs.mkdtempSync(join(tmpdir(), "callstream-"))),
    test,
    (path) => Effect.sync(() => Fs.rmSync(path, { recursive: true, force: true }))
  )

const open = (folder: string, pipeline = "calls") =>
  Checkpoint.use((checkpoint) => checkpoint.open(pipeline, {})).pipe(
    Effect.provide(Layer.provide(FileCheckpoint.layer({ folder }), platform))
  )

const state: State = {
  version: 2,
  fingerprint: {},
  sinks: { a: { at: Position.of(1), note: [1, "é"] } },
  finished: false
}

/** The id of a process that has ended. */
const endedPid = () => spawnSync(process.execPath, ["--version"]).pid

/** The lock of such a process, as it left it here. */
const leave = Effect.fnUntraced(function* (folder: string, changes: Readonly<Record<string, unknown>>) {
  const path = join(folder, "calls.lock")
  const text = yield* Effect.scoped(Effect.map(open(folder), () => Fs.readFileSync(path, "utf8")))
  const lock: unknown = JSON.parse(text)
  assert.isObject(lock)
  const id = crypto.randomUUID()
  Fs.writeFileSync(path, JSON.stringify({ ...(typeof lock === "object" ? lock : {}), id, ...changes }))
})

/** A child process that takes a checkpoint when it is asked to. */
const holder = Effect.acquireRelease(
  Effect.sync(() => {
    const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve("./Hold.ts"))], {
      stdio: ["pipe", "pipe", "inherit"]
    })
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const ask = (line: string) =>
      Effect.promise(async () => {
        child.stdin.write(`${line}\n`)
        return String((await lines.next()).value)
      })
    return { child, ask }
  }),
  ({ child }) => Effect.promise(() => end(child))
)

const end = async (child: ReturnType<typeof spawn>) => {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill("SIGKILL")
  await once(child, "exit")
}

describe("FileCheckpoint on a real file system", () => {
  it.live("makes a private folder with a private file, and resumes from it", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        const folder = join(at, "deep", "state")
        yield* Effect.scoped(Effect.flatMap(open(folder, "Täglich"), (lease) => lease.commit(state)))
        assert.deepStrictEqual(Fs.readdirSync(folder), ["%54%c3%a4glich.epoch", "%54%c3%a4glich.json"])
        assert.strictEqual(Fs.statSync(folder).mode & 0o777, 0o700)
        assert.strictEqual(Fs.statSync(join(folder, "%54%c3%a4glich.json")).mode & 0o777, 0o600)
        const again = yield* Effect.scoped(open(folder, "Täglich"))
        assert.deepStrictEqual(again.state, Option.some(state))
      })
    )
  )

  it.live("reports a folder that cannot be created, or is removed", () =>
    inFolder((at) =>
      Effect.gen(function* () {
        Fs.writeFileSync(join(at, "file"), "")
        for (const folder of [join(at, "file"), join(at, "file", "state")]) {
          const error = yield* Effect.flip(Effect.scoped(open(folder)))
          assert.instanceOf(error, CheckpointError)
          assert.strictEqual(error.reason._tag, "NotAFolder")
          assert.match(error.message, /file is not a /)
        }
        const folder = join(at, "state")
        yield* Effect.scoped(
          Effect.gen(function* () {
            const lease = yield* open(folder)
            Fs.rmSync(folder, { recursive: true })
            const error = yield* Effect.flip(lease.commit(state))
            assert.strictEqual(error.reason._tag, "File")
            assert.match(error.message, /its folder is not there/)
          })
        )
      })
    )
  )

  it.live.skipIf(process.platform !== "linux")("takes over from a process whose id another one has now", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        yield* leave(folder, { start: "1" })
        yield* Effect.scoped(open(folder))
        assert.deepStrictEqual(Fs.readdirSync(folder), ["calls.epoch"])
        yield* leave(folder, {})
        assert.match((yield* Effect.flip(Effect.scoped(open(folder)))).message, /in this process/)
        Fs.rmSync(join(folder, "calls.lock"))
        yield* leave(folder, { host: "another" })
        assert.match((yield* Effect.flip(Effect.scoped(open(folder)))).message, /on another/)
      })
    )
  )

  it.live("of many that find a dead owner's lock in one process, one gets it", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const pid = endedPid()
        for (let times = 0; times < 8; times++) {
          yield* leave(folder, { pid })
          const exits = yield* Effect.scoped(
            Effect.forEach(Array.from({ length: 20 }), () => Effect.result(open(folder)), { concurrency: "unbounded" })
          )
          assert.lengthOf(
            exits.filter((exit) => exit._tag === "Success"),
            1
          )
          for (const exit of exits) if (exit._tag === "Failure") assert.strictEqual(exit.failure.reason._tag, "Held")
          assert.deepStrictEqual(Fs.readdirSync(folder), ["calls.epoch"])
        }
      })
    )
  )

  it.live("of many processes that find it, one gets it; when that is killed, the next does", () =>
    inFolder((folder) =>
      Effect.gen(function* () {
        const pid = endedPid()
        const holders = yield* Effect.forEach(Array.from({ length: 4 }), () => holder)
        // All of them are up before the first round.
        yield* Effect.forEach(holders, ({ ask }) => ask(""), { concurrency: "unbounded" })
        for (let times = 0; times < 12; times++) {
          yield* leave(folder, { pid })
          const answers = yield* Effect.forEach(holders, ({ ask }) => ask(folder), { concurrency: "unbounded" })
          assert.lengthOf(
            answers.filter((answer) => answer === "taken"),
            1,
            answers.join("\n")
          )
          for (const answer of answers) assert.match(answer, /^(taken$|Held: the pipeline calls is running already)/)
          yield* Effect.forEach(holders, ({ ask }) => ask(""), { concurrency: "unbounded" })
          assert.deepStrictEqual(Fs.readdirSync(folder), ["calls.epoch"])
        }
        const [first, second] = holders
        if (first === undefined || second === undefined) return assert.fail("no children")
        assert.strictEqual(yield* first.ask(folder), "taken")
        const refused = yield* Effect.flip(Effect.scoped(open(folder)))
        assert.include(refused.message, `process ${first.child.pid} `)
        yield* Effect.promise(() => end(first.child))
        assert.strictEqual(yield* second.ask(folder), "taken")
      }).pipe(Effect.scoped)
    )
  )
})
