/** Runs before the tests of each file. */
import * as Arbitrary from "effect/Arbitrary"

// The same values in every run: a change must not fail by chance. `SEED=2 npm test` tries others.
Arbitrary.configureGlobal({ check: { seed: Number(process.env["SEED"] ?? 1) } })
