import { join } from "node:path"

export const pageFile = join(import.meta.dirname, "../../../../docs/cli.md")
export const manFile = join(import.meta.dirname, "../../man/callstream.1")
