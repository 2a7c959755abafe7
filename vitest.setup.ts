/** Runs before the tests of each file. */
import * as Arbitrary from "effect/Arbitrary"
import { chai } from "vitest"

// The same values in every run: a change must not fail by chance. `SEED=2 npm test` tries others.
Arbitrary.configureGlobal({ check: { seed: Number(process.env["SEED"] ?? 1) } })

// No test asks the real API with the key of the developer who runs it.
for (const name of Object.keys(process.env)) if (name.startsWith("AGNI_")) delete process.env[name]

// A proxy around each assertion finds misspelled properties, which the compiler does, too, and takes four fifths of its
// time: some tests assert hundreds of thousands of times.
chai.config.useProxy = false
