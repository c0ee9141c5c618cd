/** A file of a new service, by its path inside the folder. */
export interface TemplateFile {
  readonly path: string;
  readonly text: string;
}

/** What a new service starts from. It runs as it is. */
export function serviceTemplate(name: string): readonly TemplateFile[] {
  return [
    { path: ".gitignore", text: "node_modules/\n*.log\n.env\n" },
    { path: "README.md", text: readme(name) },
    { path: "index.ts", text: source(name) },
    { path: "package.json", text: manifest(name) },
    { path: "tsconfig.json", text: compilerOptions },
  ];
}

/** `my-service` → `MyService`: the type that its endpoints belong to. */
export function typeNameOf(name: string): string {
  const joined = name
    .split(/[^A-Za-z0-9]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
  return /^[A-Za-z]/.test(joined) ? joined : `Service${joined}`;
}

function source(name: string): string {
  return `import { service, z } from "micro-ts";

const greeter = service("${name}", { version: "1.0.0" });

greeter.endpoint("${typeNameOf(name)}.Call", {
  description: "Greets somebody by name.",
  request: z.object({ name: z.string() }),
  response: z.object({ msg: z.string() }),
  handle: ({ name }) => ({ msg: \`Hello \${name}\` }),
});

await greeter.run();
`;
}

function manifest(name: string): string {
  const value = { name: name.toLowerCase(), version: "1.0.0", private: true, type: "module", main: "index.ts" };
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** The framework is TypeScript source where it is linked from a checkout, so the options must let its imports pass. */
const compilerOptions = `${JSON.stringify(
  {
    compilerOptions: {
      target: "ES2023",
      lib: ["ES2024", "DOM.AsyncIterable", "ESNext.Disposable"],
      types: ["bun"],
      customConditions: ["bun"],
      module: "preserve",
      moduleResolution: "bundler",
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      verbatimModuleSyntax: true,
      allowImportingTsExtensions: true,
    },
    include: ["**/*.ts"],
  },
  undefined,
  2,
)}\n`;

function readme(name: string): string {
  return `# ${name}

\`\`\`sh
micro run .                     # start it; micro update . after a change
micro ${name} call --name=Jane
micro logs ${name} -f
\`\`\`

The framework \`micro-ts\` is provided by the server that runs the service: there is nothing to install. The links
in \`node_modules\` are for editors.
`;
}
