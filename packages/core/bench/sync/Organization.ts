/** A usual organization, as the simulator has it. */
import { AgniSimulator } from "@callstream/core/testing"
import * as World from "./World.ts"

export interface Options {
  readonly seed: number
  readonly perDay: number
  readonly days: number
  /** How much more often than usual rare things happen. @default 1 */
  readonly rare?: number
  /** Days on which a hundredth of the calls of two days leaves at once, as a share. @default 0 */
  readonly storms?: number
}

const simulate = ({ perDay, rare = 1, seed, storms = 0 }: Options, clock: () => number) =>
  AgniSimulator.makeUnsafe(
    {
      seed,
      sessions: 0,
      startAt: "2026-07-01T00:00:00Z",
      arrivalsPerHour: perDay / 24,
      content: "minimal",
      missing: "absent",
      keepRequests: 1,
      life: { rare, storms: { perDay: storms, calls: 0.01 } }
    },
    clock
  )

/** The lives of all calls that are created until the end: each simulator with these options has the same. */
const livesOf = (options: Options): World.World["lives"] => {
  let now = 0
  const simulator = simulate(options, () => now)
  now = (options.days * World.day) / 1000
  return simulator.lives()
}

export const make = (options: Options): World.World => {
  const simulator = simulate(options, () => 0)
  return World.make(
    livesOf(options),
    (params, at) =>
      simulator.handle(
        {
          method: "GET",
          origin: "https://api.ravan.ai",
          path: AgniSimulator.endpointPath,
          search: "",
          params,
          headers: { "x-api-key": simulator.apiKey }
        },
        at / 1000
      ).body
  )
}
