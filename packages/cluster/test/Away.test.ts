import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as SqlFailure from "@callstream/core/platform/SqlFailure"
import { FleetError } from "../src/FleetError.ts"
import * as Away from "../src/internal/Away.ts"

describe("a database that is away", () => {
  it.effect("is reported once, and once that it is back; a second time too", () =>
    Effect.gen(function* () {
      const messages: Array<unknown> = []
      const logger = Logger.make(({ message }) => void messages.push(Array.isArray(message) ? message[0] : message))
      const answers = [true, false, false, false, true, true, false, true]
      const one = yield* Away.reported(
        Effect.suspend(() => (answers.shift() === true ? Effect.void : Effect.fail("refused")))
      )
      yield* Effect.provide(
        Effect.forEach(Array.from(answers), () => one),
        Logger.layer([logger])
      )
      const away = "The database of the fleet does not answer; the worker waits for it"
      const back = "The database of the fleet answers again"
      assert.deepStrictEqual(messages, [away, back, away, back])
    })
  )

  it("is one that may come back", () => {
    const error = (problem: "ConnectionRefused" | "NoPermission", retryable: boolean) =>
      Away.isAway(
        new FleetError({
          reason: { _tag: "Database", failure: SqlFailure.SqlFailure.make({ _tag: "Server", problem, retryable }) }
        })
      )
    assert.isTrue(error("ConnectionRefused", true))
    assert.isFalse(error("NoPermission", false))
    assert.isFalse(Away.isAway(new FleetError({ reason: { _tag: "NoRun", name: "one" } })))
  })
})
