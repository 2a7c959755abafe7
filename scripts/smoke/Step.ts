/** Commands that a smoke test runs, and what it checks of them. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { delimiter, dirname, join, resolve, sep } from "node:path"
import { createInterface } from "node:readline"

export const sessions = 2345

/** Other runtimes read fewer calls: enough for several windows and pages. */
export const fewSessions = 345

export const root = resolve(import.meta.dirname, "../..")
export const environment = {
  ...process.env,
  // The Node that runs this file also runs the children.
  PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter),
  AGNI_API_KEY: "agni_test_key"
}

export const check = (what: string, ok: boolean, seen: unknown): void => {
  if (!ok) throw new Error(`${what}: ${typeof seen === "string" ? seen : JSON.stringify(seen)}`)
  console.log(`ok  ${what}`)
}

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command to its end, within a time. */
export const run = async (
  cwd: string,
  command: string,
  args: ReadonlyArray<string>,
  seconds = 60,
  more: Readonly<Record<string, string>> = {}
): Promise<Ran> => {
  const child = spawn(command, args, {
    cwd,
    env: { ...environment, ...more },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: seconds * 1000,
    killSignal: "SIGKILL"
  })
  let stdout = ""
  let stderr = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
  await once(child, "close")
  return { code: child.exitCode, stdout, stderr }
}

export const succeed = async (what: string, ...command: Parameters<typeof run>): Promise<Ran> => {
  const ran = await run(...command)
  check(what, ran.code === 0, ran)
  return ran
}

/** The first address that a child prints, on either stream. */
export const address = (child: ChildProcess, seconds: number): Promise<string> =>
  new Promise((found, failed) => {
    const seen: Array<string> = []
    const fail = (why: string): void => failed(new Error(`simulate ${why}:\n${seen.join("\n")}`))
    const timer = setTimeout(() => fail(`printed no address within ${seconds} s`), seconds * 1000)
    child.once("error", (error) => fail(error.message))
    child.once("exit", (code) => fail(`ended with ${code}`))
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue
      // Read on after the address was found, so that the child never waits for a full pipe.
      createInterface({ input: stream }).on("line", (line) => {
        seen.push(line)
        const match = /http:\/\/127\.0\.0\.1:\d+/.exec(line)
        if (match === null) return
        clearTimeout(timer)
        found(match[0])
      })
    }
  })

export const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, "exit")
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000)
  child.kill("SIGINT")
  await ended
  clearTimeout(timer)
}

export const emptyFolder = (folder: string): void => {
  mkdirSync(folder)
  writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }))
}

/** `options`: `--offline` proves that nothing else is needed. */
export const install = (
  folder: string,
  specifiers: ReadonlyArray<string>,
  options: ReadonlyArray<string>
): Promise<Ran> => {
  emptyFolder(folder)
  const npm = ["install", "--no-audit", "--no-fund", "--loglevel=error", ...options, ...specifiers]
  return succeed(`npm install in an empty folder (${folder.split(sep).at(-1)})`, folder, "npm", npm, 180)
}

export const versionOf = (manifest: string): string => {
  const { version }: { version: string } = JSON.parse(readFileSync(manifest, "utf8"))
  return version
}
