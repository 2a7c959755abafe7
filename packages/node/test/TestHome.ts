/** A folder for what the processes of a test run make once and share. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { join } from "node:path"

const variable = "CALLSTREAM_TEST_HOME"

/** A folder that the processes which this one starts share, until `remove`. */
export const make = (): { readonly remove: () => void } => {
  // Below the command's package, so that Node finds what a program here imports.
  const cache = join(import.meta.dirname, "../../cli/node_modules/.cache")
  mkdirSync(cache, { recursive: true })
  const home = mkdtempSync(join(cache, "callstream-test-"))
  process.env[variable] = home
  return { remove: () => rmSync(home, { recursive: true, force: true }) }
}

/** That of the test run, or of this process where there is none. */
export const path = (): string => {
  if (process.env[variable] === undefined) process.once("exit", make().remove)
  return process.env[variable] ?? ""
}
