import { defineConfig } from "vite";

declare const process: { env: Record<string, string | undefined> };

// Where the check of the committed files builds to, instead of over them.
const out = process.env.PARLEY_WEB_OUT;

// The names of the built files are fixed, so that a diff of two builds compares
// like with like.
export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: out ? `${out}/demo` : "../../internal/demo/dist",
    emptyOutDir: true,
    assetsDir: "",
    assetsInlineLimit: 0,
    modulePreload: false,
    sourcemap: false,
    target: "es2022",
    rollupOptions: {
      output: {
        entryFileNames: "chat.js",
        chunkFileNames: "[name].js",
        assetFileNames: "chat[extname]",
      },
    },
  },
});
