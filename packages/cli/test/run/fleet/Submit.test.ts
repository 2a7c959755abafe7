/** Submitting to a fleet that notes what it is asked for: every state that a name can be in. */
import type { FleetRun } from "@callstream/cluster"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as FleetSpec from "../../../src/job/FleetSpec.ts"
import { UsageError } from "../../../src/option/UsageError.ts"
import * as Submit from "../../../src/run/fleet/Submit.ts"

const spec: FleetSpec.FleetSpec = { format: 1, version: "1.0.0", path: "p.yaml", file: { sinks: ["-"] }, overrides: {} }
const changed = { ...spec, file: { sinks: ["other"] } }

type Kind = { readonly state?: false; readonly sync?: object }

/** What is asked of a fleet that has this run under the name, or none, and what becomes of it. */
const submitted = Effect.fnUntraced(function* (kind: Kind, state: FleetRun.RunState | undefined, before = spec) {
  const asked: Array<string> = []
  const note = (what: string) => Effect.sync(() => void asked.push(what))
  const access = {
    asked: <A, E>(effect: Effect.Effect<A, E>) => Effect.orDie(effect),
    find: () => Effect.succeed(state === undefined ? undefined : { state, spec: { ...before, version: "0.9.0" } }),
    fleet: { submit: () => note("submit"), retry: () => note("retry") }
  }
  const task = { spec: { name: "one", sinks: ["-"], ...kind } }
  // The parts of a fleet and of a task that it needs.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const outcome = yield* Submit.submit(access as never, task as never, spec).pipe(
    Effect.catchIf(
      (error) => error instanceof UsageError,
      ({ reason }) => Effect.succeed(reason._tag)
    )
  )
  return [outcome, ...asked]
})

describe("run/fleet/Submit", () => {
  it.effect("begins, watches, resumes or leaves a run, as one machine does under a name", () =>
    Effect.gen(function* () {
      const kinds: ReadonlyArray<Kind> = [{}, { state: false }, { sync: {} }]
      for (const kind of kinds) {
        assert.deepStrictEqual(yield* submitted(kind, undefined), ["Begun", "submit"])
        for (const state of ["planned", "running"] as const) {
          assert.deepStrictEqual(yield* submitted(kind, state), ["Attached"])
          assert.deepStrictEqual(yield* submitted(kind, state, changed), ["RunDiffers"])
        }
        const keeps = kind.state === undefined && kind.sync === undefined
        for (const state of ["failed", "cancelled"] as const) {
          assert.deepStrictEqual(yield* submitted(kind, state), keeps ? ["Resumed", "retry"] : ["Begun", "submit"])
          assert.deepStrictEqual(yield* submitted(kind, state, changed), ["Begun", "submit"])
        }
        assert.deepStrictEqual(yield* submitted(kind, "finished"), keeps ? ["Finished"] : ["Begun", "submit"])
        assert.deepStrictEqual(yield* submitted(kind, "finished", changed), ["Begun", "submit"])
      }
    })
  )
})
