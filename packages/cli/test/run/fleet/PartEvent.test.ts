import { Jobs } from "@callstream/cluster"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as PartEvent from "../../../src/run/fleet/PartEvent.ts"

describe("run/fleet/PartEvent", () => {
  it.effect("reports a run of another version once, and what is missing each time", () =>
    Effect.gen(function* () {
      const events: Array<string> = []
      const unusable = yield* PartEvent.unusable((event) => Effect.sync(() => void events.push(event.run)))
      const version = new Jobs.JobError({ reason: { _tag: "OtherVersion", spec: "2", worker: "1" } })
      const missing = new Jobs.JobError({ reason: { _tag: "Missing", names: ["KEY"] } })
      for (const id of ["1", "2", "1"]) yield* unusable({ id, name: `version ${id}` }, version)
      for (const id of ["3", "3"]) yield* unusable({ id, name: `missing ${id}` }, missing)
      assert.deepStrictEqual(events, ["version 1", "version 2", "missing 3", "missing 3"])
    })
  )
})
