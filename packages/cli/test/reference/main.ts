/** Writes the tables of docs/cli.md and the man page anew: `pnpm reference`. */
import { readFileSync, writeFileSync } from "node:fs"
import * as Reference from "./Reference.ts"
import { manFile, pageFile } from "./fileTable.ts"

writeFileSync(pageFile, Reference.inPage(readFileSync(pageFile, "utf8")).text)
writeFileSync(manFile, Reference.man())
