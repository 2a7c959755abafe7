/** A real Chromium: the one of `CALLSTREAM_CHROMIUM`, or the one that a package ships. */
import { type Browser, chromium } from "playwright-core"
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const home = join(import.meta.dirname, "../node_modules/.cache/callstream-test")

const shipped = join(dirname(fileURLToPath(import.meta.resolve("@sparticuz/chromium"))), "..")
const { version } = JSON.parse(readFileSync(join(shipped, "package.json"), "utf8")) as { readonly version: string }

/** It unpacks into the folder for temporary files, and believes what it finds there, of whatever version. */
const folder = join(home, `chromium-${version}`)

/** In a process of its own, because the folder is that of the whole process. */
const unpack = (to: string, what: string): void => {
  const program = `import Chromium, { inflate } from "@sparticuz/chromium"\nawait ${what}`
  execFileSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: join(import.meta.dirname, ".."),
    env: { ...process.env, TMPDIR: to },
    stdio: "inherit"
  })
}

/** Whole, or not at all: a run that is killed leaves nothing that another one would take for a browser. */
const unpackOnce = (): string => {
  const executable = join(folder, "chromium")
  if (existsSync(executable)) return executable
  const made = `${folder}.${process.pid}`
  mkdirSync(made, { recursive: true })
  unpack(made, "Chromium.executablePath()")
  const starts = spawnSync(join(made, "chromium"), ["--version"]).status === 0
  if (!starts) unpack(made, `inflate(${JSON.stringify(join(shipped, "bin/al2023.tar.br"))}); void Chromium`)
  try {
    renameSync(made, folder)
  } catch {
    // Another run was faster.
    rmSync(made, { recursive: true, force: true })
  }
  return executable
}

/** Where the machine lacks the libraries of a browser, those of the package are used, with its fonts. */
const environment = (): Record<string, string> => {
  const own = existsSync(join(folder, "al2023"))
    ? { LD_LIBRARY_PATH: join(folder, "al2023/lib"), FONTCONFIG_PATH: join(folder, "fonts") }
    : {}
  return Object.fromEntries(
    Object.entries({ ...process.env, ...own }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  )
}

export const launch = (): Promise<Browser> => {
  const given = process.env["CALLSTREAM_CHROMIUM"]
  const executablePath = given === undefined || given === "" ? unpackOnce() : given
  return chromium.launch({
    executablePath,
    env: environment(),
    args: ["--no-sandbox", "--font-render-hinting=none", "--disable-gpu"]
  })
}
