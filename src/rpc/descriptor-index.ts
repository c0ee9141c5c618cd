import { toBinary, type DescFile } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";

/** Finds the descriptors of files by what they declare, in the form in which tools ask for them. */
export class DescriptorIndex {
  /** Full names (`store.Store`) in alphabetical order. */
  readonly services: readonly string[];
  readonly #byName = new Map<string, DescFile>();
  readonly #bySymbol = new Map<string, DescFile>();

  constructor(files: Iterable<DescFile>) {
    for (const file of files) this.#add(file);
    this.services = [...this.#byName.values()].flatMap((file) => file.services.map((each) => each.typeName)).toSorted();
  }

  /** A file and those that it imports, each as a FileDescriptorProto; undefined when there is none of this name. */
  byFileName(name: string): readonly Uint8Array[] | undefined {
    return withImports(this.#byName.get(name));
  }

  /** The same for the file that declares a service, method, message or enum, by its full name. */
  bySymbol(name: string): readonly Uint8Array[] | undefined {
    return withImports(this.#bySymbol.get(name));
  }

  #add(file: DescFile): void {
    const name = file.proto.name;
    if (this.#byName.has(name)) return;
    this.#byName.set(name, file);
    for (const each of file.dependencies) this.#add(each);
    for (const service of file.services) {
      this.#bySymbol.set(service.typeName, file);
      for (const method of service.methods) this.#bySymbol.set(`${service.typeName}.${method.name}`, file);
    }
    for (const each of [...file.messages, ...file.enums]) this.#bySymbol.set(each.typeName, file);
    const nested = [...file.messages];
    for (let message = nested.pop(); message !== undefined; message = nested.pop()) {
      for (const each of [...message.nestedMessages, ...message.nestedEnums]) this.#bySymbol.set(each.typeName, file);
      nested.push(...message.nestedMessages);
    }
  }
}

function withImports(file: DescFile | undefined): readonly Uint8Array[] | undefined {
  if (file === undefined) return undefined;
  // A set keeps the order of what was put in first: the file itself, then what it imports.
  const files = new Set([file]);
  for (const each of files) for (const imported of each.dependencies) files.add(imported);
  return [...files].map((each) => toBinary(FileDescriptorProtoSchema, each.proto));
}
