import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Zone from "../../src/option/Zone.ts"
import { describe as describeError } from "../../src/option/Reason.ts"
import { inFlags } from "../../src/option/Speaker.ts"

const problem = (text: string) =>
  Effect.map(Effect.flip(Zone.make(text)), (error) => {
    const { advice = "", problem } = describeError(error, inFlags)
    return `${problem}\n${advice}`
  })

describe("option/Zone", () => {
  it.effect("is UTC where none is set, and times are then shown in UTC", () =>
    Effect.gen(function* () {
      assert.deepInclude(yield* Zone.make(undefined), { name: "UTC", clock: undefined })
      // Said by name it is a zone like another.
      const said = yield* Zone.make("utc")
      assert.strictEqual(said.name, "UTC")
      assert.strictEqual(said.clock, said.calendar)
      assert.isUndefined(Zone.forSinks(said))
    })
  )

  it.effect("is one of the IANA database, whatever the case, or that of the machine", () =>
    Effect.gen(function* () {
      for (const name of Intl.supportedValuesOf("timeZone")) {
        const made = yield* Zone.make(name.toUpperCase())
        assert.strictEqual(made.name, name)
        assert.strictEqual(DateTime.zoneToString(made.calendar.zone), name)
      }
      for (const name of ["Asia/Kolkata", "Asia/Calcutta", "Europe/Kyiv", "US/Pacific", "EST", "Etc/GMT-5"]) {
        assert.strictEqual((yield* Zone.make(name)).name, name)
      }
      assert.strictEqual((yield* Zone.make(" asia/kolkata ")).name, "Asia/Kolkata")
      const here = new Intl.DateTimeFormat().resolvedOptions().timeZone
      assert.strictEqual((yield* Zone.make("local")).name, here)
    })
  )

  it.effect("one that is not known is refused, with the one that was meant", () =>
    Effect.gen(function* () {
      for (const [text, meant] of [
        ["Asia/Kolkatta", "Asia/Kolkata"],
        ["Kolkata", "Asia/Kolkata"],
        ["new york", "America/New_York"],
        ["Europe/Berln", "Europe/Berlin"],
        ["Berlin", "Europe/Berlin"]
      ] as const) {
        assert.strictEqual(yield* problem(text), `--zone: there is no time zone ${text}\nDid you mean ${meant}?`)
      }
      // Three countries have an IST, and an offset is no zone: it has no summer time.
      for (const text of ["IST", "PST", "+05:30", "Mars/Base", "", "UTC+2"]) {
        assert.include(yield* problem(text), "--zone: there is no time zone")
      }
    })
  )
})
