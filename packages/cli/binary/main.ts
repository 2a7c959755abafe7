/**
 * One file that runs without Node: `pnpm run binary [FILE]`. It is this Node with the command inside, for the system and the
 * processor that this one is made for, and takes about as much space as Node does.
 */
import { execFileSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, resolve } from "node:path"
import { build, type Plugin } from "rolldown"

const root = resolve(import.meta.dirname, "../../..")
const cli = join(root, "packages/cli")
const name = process.platform === "win32" ? "callstream.exe" : "callstream"
const output = resolve(process.argv[2] ?? join(cli, "dist", name))

/** Scripts of threads: they are assets of the file, because nothing lies beside it. */
const threads = {
  DecodingWorker: join(root, "packages/node/src/internal/DecodingWorker.ts"),
  ChainWorker: join(cli, "src/run/ChainWorker.ts")
}

const beside = /new URL\(`\.\/(\w+)\$\{extname\(import\.meta\.url\)\}`, import\.meta\.url\)/g

/** A thread's script comes from the file itself, as a module without a place on the disk. */
const found = new Set<string>()
const fromAssets: Plugin = {
  name: "callstream:threads",
  transform(code) {
    if (!code.includes("import.meta.url")) return null
    return code.replace(beside, (_, script: string) => {
      found.add(script)
      return `globalThis.callstreamThread(${JSON.stringify(script)})`
    })
  }
}

const banner = `import { getRawAsset } from "node:sea"
globalThis.callstreamThread = (name) =>
  new URL("data:text/javascript;base64," + Buffer.from(getRawAsset(name)).toString("base64"))`

const folder = mkdtempSync(join(tmpdir(), "callstream-binary-"))
const options = { format: "esm", codeSplitting: false, minify: true } as const
try {
  const main = join(folder, "main.mjs")
  await build({
    input: join(cli, "src/bin.ts"),
    platform: "node",
    plugins: [fromAssets],
    output: { ...options, file: main, banner }
  })
  const assets: Record<string, string> = {}
  for (const [script, input] of Object.entries(threads)) {
    assets[script] = join(folder, `${script}.mjs`)
    await build({ input, platform: "node", output: { ...options, file: assets[script] } })
  }
  const lost = [...found].filter((script) => !Object.hasOwn(threads, script))
  if (lost.length > 0 || found.size !== Object.keys(threads).length) {
    throw new Error(`threads that are named here and started there differ: ${[...found].join(", ")}`)
  }
  mkdirSync(dirname(output), { recursive: true })
  const config = join(folder, "sea.json")
  writeFileSync(
    config,
    JSON.stringify({ main, mainFormat: "module", output, assets, disableExperimentalSEAWarning: true })
  )
  execFileSync(process.execPath, [`--build-sea=${config}`], { stdio: ["ignore", "ignore", "inherit"] })
  // macOS runs nothing that was changed after it was signed.
  if (process.platform === "darwin") execFileSync("codesign", ["--sign", "-", "--force", output], { stdio: "inherit" })
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${output} (${Math.round(statSync(output).size / 1e6)} MB)`)
