import { AgniClient, Checkpoint } from "@callstream/core"
import { AgniSimulator } from "@callstream/core/testing"
import { NodeServices } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, FileSystem, Layer, Redacted } from "effect"
import { Crm, CrmError, enrich } from "../src/enrich.ts"
import { example } from "./run.ts"

interface Row {
  readonly id: string
  readonly callerNumber?: string | null
  readonly owner?: string | null
}

const rowsOf = (text: string): ReadonlyArray<Row> =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row)

describe("enrich", () => {
  it.live("asks the CRM once a batch, again when it is down for a moment, and puts aside what it does not know", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      const simulator = yield* AgniSimulator.make({ sessions: 1500 })
      const isKnown = (number: string) => Number(number.at(-1)) % 3 === 0
      let asked = 0
      const crm = Crm.of({
        ownersOf: (numbers) =>
          Effect.suspend(() =>
            asked++ < 2
              ? Effect.fail(new CrmError({ status: 503 }))
              : Effect.succeed(new Map(numbers.filter(isKnown).map((number) => [number, `owner of ${number}`])))
          )
      })
      const { path, pipeline } = enrich(folder)
      yield* pipeline
        .run()
        .pipe(
          Effect.provideService(Crm, crm),
          Effect.provide([
            AgniClient.layer({ apiKey: Redacted.make(simulator.apiKey) }).pipe(Layer.provide(simulator.layer)),
            Checkpoint.layerMemory
          ])
        )
      const rows = rowsOf(yield* fs.readFileString(path))
      const letters = rowsOf(yield* fs.readFileString(`${path}.dead-letters.ndjson`))
      const inbound = simulator.truth({ channel: "inbound_call" })
      assert.isAbove(rows.length, 100)
      assert.isAbove(letters.length, 100)
      assert.strictEqual(rows.length + letters.length, inbound.length)
      assert.isBelow(asked, rows.length / 2)
      for (const { callerNumber, owner } of rows) {
        assert.strictEqual(owner, typeof callerNumber === "string" ? `owner of ${callerNumber}` : null)
      }
    }).pipe(Effect.provide(NodeServices.layer))
  )

  it.live("runs, and knows afterwards that it did", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const folder = yield* fs.makeTempDirectoryScoped()
      for (const said of [
        /^\d+ calls with their owners in .*, \d+ that the CRM does not know beside it/,
        /is complete already/
      ]) {
        const { code, stderr, stdout } = yield* Effect.promise(() => example("enrich", folder))
        assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
        assert.match(stdout, said)
      }
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
