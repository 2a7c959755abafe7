/**
 * `pnpm bench fleet`: worker processes of the built command, a real PostgreSQL, and an endpoint that shares no code with
 * callstream. `pnpm bench "fleet PART"` measures one part; `pnpm bench "fleet small"` and `pnpm bench "fleet small PART"` do it
 * with few calls, to see that it works.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Postgres from "../../../node/test/postgres/PostgresServer.ts"
import { clear, table } from "../measure.ts"
import * as Failures from "./failures.ts"
import * as Limits from "./limits.ts"

const words = process.argv.slice(2).flatMap((argument) => argument.split(" ").filter((word) => word !== ""))
const isSmall = words.includes("small")
const only = words.filter((word) => word !== "small")

const sizes = isSmall
  ? { survival: 100_000, handover: 100_000, speed: 30_000, idle: 10_000, organizations: 12 }
  : { survival: 300_000, handover: 200_000, speed: 150_000, idle: 20_000, organizations: 200 }

const parts: Readonly<Record<string, Effect.Effect<void, unknown, Postgres.Server | Scope.Scope>>> = {
  survival: Failures.survival(sizes.survival),
  handover: Failures.handovers(sizes.handover),
  speed: Limits.speed(sizes.speed),
  rate: Limits.rate(40, isSmall ? 10 : 30),
  idle: Limits.idle(sizes.idle),
  organizations: Limits.organizations(sizes.organizations, 500)
}

const main = Effect.gen(function* () {
  for (const [name, part] of Object.entries(parts)) {
    if (only.length === 0 || only.includes(name)) yield* Effect.scoped(part)
  }
  table()
}).pipe(Effect.provide(Postgres.Server.layer), Effect.ensuring(Effect.sync(clear)))

await Effect.runPromise(main)
