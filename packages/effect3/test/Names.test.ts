/** Moving to core is a change of imports: what this package has, core has under the same name, with the same fields. */
import type * as CoreTypes from "@callstream/core"
import * as Core from "@callstream/core"
import * as CoreTesting from "@callstream/core/testing"
import type * as Own from "@callstream/effect3"
import * as Effect3 from "@callstream/effect3"
import * as Effect3Testing from "@callstream/effect3/testing"
import { assert, describe, it } from "@effect/vitest"

type Same<A, B> = [Required<A>] extends [Required<B>] ? ([Required<B>] extends [Required<A>] ? true : false) : false
type Takes<A, B> = [A] extends [B] ? true : false
type FieldsIn<A, B> = Takes<keyof A, keyof B>
type Of<F> = F extends (...args: ReadonlyArray<never>) => unknown ? NonNullable<Parameters<F>[0]> : never

type OwnWindow = Own.Coverage.Window
type CoreWindow = CoreTypes.Coverage.Window

const inStep: ReadonlyArray<true> = [
  true satisfies Same<Own.CallSession.CallSession, CoreTypes.CallSession.CallSession>,
  true satisfies Same<typeof Own.AgniErrorReason.Encoded, typeof CoreTypes.AgniErrorReason.Encoded>,
  true satisfies Same<typeof Own.AgniError.Encoded, typeof CoreTypes.AgniError.Encoded>,
  true satisfies Takes<CoreTypes.Instant.Instant, Own.Instant.Instant>,
  true satisfies Takes<Own.Instant.Instant, CoreTypes.Instant.Instant>,
  true satisfies Same<keyof Own.AgniClientOptions, keyof Of<typeof CoreTypes.AgniClient.layer>>,
  true satisfies Same<keyof Own.CallSessions.WindowsOptions, keyof CoreTypes.CallSessions.StreamOptions>,
  true satisfies Same<keyof Own.Health.Health, keyof CoreTypes.Health.Health>,
  true satisfies Same<keyof Own.CallSessions.RefusedCall, keyof CoreTypes.CallSessions.RefusedCall>,
  true satisfies Same<keyof Of<typeof Own.CallSessions.sessions>, keyof Of<typeof CoreTypes.CallSessions.sessions>>,
  true satisfies FieldsIn<Of<typeof Own.CallSessions.windows>, Of<typeof CoreTypes.CallSessions.windows>>,
  true satisfies FieldsIn<Of<typeof Own.CallSessions.pages>, Of<typeof CoreTypes.CallSessions.pages>>,
  true satisfies FieldsIn<Own.CallSessions.ChangesOptions, CoreTypes.CallSessions.ChangesOptions>,
  true satisfies FieldsIn<OwnWindow, CoreWindow>,
  true satisfies FieldsIn<OwnWindow["rows"], CoreWindow["rows"]>,
  true satisfies Same<OwnWindow["coverage"]["_tag"], CoreWindow["coverage"]["_tag"]>,
  true satisfies FieldsIn<Own.CallSessions.Delivered, CoreTypes.Sync.Delivered>,
  true satisfies FieldsIn<Own.CallSessions.Look, CoreTypes.Sync.Look>,
  true satisfies FieldsIn<Own.StoredLedger.Store<Error>, CoreTypes.StoredLedger.Store<Error>>
]

/** The names of what is there at run time, those of namespaces included. */
const namesIn = (module: object): ReadonlyArray<string> =>
  Object.entries(module).flatMap(([name, value]) =>
    Object.prototype.toString.call(value) === "[object Module]"
      ? Object.keys(value).map((member) => `${name}.${member}`)
      : [name]
  )

/** What core has in another place. */
const elsewhere = new Set(["LedgerReason"])

describe("the names", () => {
  it("are those of core", () => {
    const core = new Set(namesIn(Core))
    const own = namesIn(Effect3)
    assert.isAbove(own.length, 30)
    assert.deepStrictEqual(
      own.filter((name) => !core.has(name) && !elsewhere.has(name)),
      []
    )
    assert.deepStrictEqual(
      Object.keys(Effect3.AgniClient).filter((name) => !(name in Core.AgniClient)),
      []
    )
    const testing = new Set(namesIn(CoreTesting))
    assert.deepStrictEqual(
      namesIn(Effect3Testing).filter((name) => !testing.has(name)),
      []
    )
  })

  it("have the fields of core", () => {
    assert.isTrue(inStep.every(Boolean))
  })
})
