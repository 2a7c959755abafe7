import { AgniSimulator, Fault } from "@callstream/core/testing"
import { NodeHttpServer, NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { DateTime, Effect, FileSystem, Path } from "effect"
import { HttpServer } from "effect/http"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, statSync } from "node:fs"
import { createServer } from "node:http"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { runNode } from "./run.ts"

const program = fileURLToPath(new URL("../src/pipeline.ts", import.meta.url))

interface Row {
  readonly id: string
  readonly callerNumber?: string | null
}

describe("pipeline", () => {
  it.live("resumes after the API failed and after it was killed, and has each call once", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const paths = yield* Path.Path
      const folder = yield* fs.makeTempDirectoryScoped()
      const simulator = yield* AgniSimulator.make({ sessions: 60_000 })
      let stop: (() => boolean) | undefined
      let asked = 0
      let then = () => {}
      const server = yield* NodeHttpServer.make(createServer, { port: 0, host: "127.0.0.1" })
      yield* server.serve(
        Effect.suspend(() => {
          asked++
          if (stop?.() === true) {
            stop = undefined
            then()
          }
          return simulator.httpApp
        })
      )
      const env = { AGNI_API_KEY: simulator.apiKey, AGNI_BASE_URL: HttpServer.formatAddress(server.address) }
      const atRequest = (when: () => boolean, what: () => void) => {
        asked = 0
        stop = when
        then = what
      }
      const isBegun = () =>
        readdirSync(folder).some((name) => name.endsWith(".partial") && statSync(join(folder, name)).size > 0)
      const start = () => runNode([program, folder], { env })
      const fileOf = (extension: string) =>
        Effect.map(fs.readDirectory(folder), (names) => {
          const name = names.find((name) => name.endsWith(extension))
          return name === undefined ? undefined : paths.join(folder, name)
        })

      const today = DateTime.startOf(yield* DateTime.now, "day")
      atRequest(isBegun, () => simulator.failNext(1, Fault.status(403)))
      const failed = yield* Effect.promise(start)
      assert.strictEqual(failed.code, 1)
      assert.include(failed.stdout, "403")
      assert.isUndefined(yield* fileOf(".ndjson"))
      const partial = (yield* fileOf(".partial")) ?? "no file"
      const before = (yield* fs.stat(partial)).size
      assert.isAbove(Number(before), 0)

      // The probes take some twenty requests.
      atRequest(
        () => asked === 25,
        () => killed.kill("SIGKILL")
      )
      const killed = spawn(process.execPath, [program, folder], { env: { ...process.env, ...env }, stdio: "ignore" })
      yield* Effect.promise(() => ended(killed))
      assert.strictEqual(killed.signalCode, "SIGKILL")
      assert.isUndefined(yield* fileOf(".ndjson"))
      // What the first run had committed is still there.
      assert.isAtLeast(Number((yield* fs.stat(partial)).size), Number(before))

      const finished = yield* Effect.promise(start)
      assert.deepStrictEqual({ code: finished.code, stderr: finished.stderr }, { code: 0, stderr: "" })
      const path = (yield* fileOf(".ndjson")) ?? "no file"
      const rows = (yield* fs.readFileString(path))
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Row)
      const micros = 1000
      const expected = simulator
        .truth({ from: DateTime.subtract(today, { days: 7 }), to: today })
        .filter(({ endedAt = 0, startedAt = 0 }) => endedAt - startedAt >= 60 * 1000 * micros)
      assert.isAbove(expected.length, 1000)
      assert.sameMembers(
        rows.map(({ id }) => id),
        expected.map(({ id }) => id)
      )
      assert.isTrue(
        rows.every(({ callerNumber }) => callerNumber == null || callerNumber === "" || callerNumber === "[phone]")
      )

      const again = yield* Effect.promise(start)
      assert.include(again.stdout, "Nothing is left to do")
    }).pipe(Effect.scoped, Effect.provide(NodeServices.layer))
  )
})

const ended = (child: ReturnType<typeof spawn>) => once(child, "exit")
