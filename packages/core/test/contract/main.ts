/** Writes docs/openapi.json anew: `pnpm openapi`. */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { make } from "./Contract.ts"

const file = join(import.meta.dirname, "../../../../docs/openapi.json")
writeFileSync(file, `${JSON.stringify(make(), undefined, 2)}\n`)
