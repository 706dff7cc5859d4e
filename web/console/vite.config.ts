import { defineConfig } from "vite";

declare const process: { env: Record<string, string | undefined> };

// Where the check of the committed files builds to, instead of over them.
const out = process.env.PARLEY_WEB_OUT;

// The names of the built files are fixed: the server tells a browser by ETag
// whether they changed, and a diff of two builds compares like with like.
export default defineConfig({
  base: "/admin/assets/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: out ? `${out}/console` : "../../internal/console/dist",
    emptyOutDir: true,
    assetsDir: "",
    assetsInlineLimit: 0,
    modulePreload: false,
    sourcemap: false,
    target: "es2022",
    rollupOptions: {
      output: {
        entryFileNames: "console.js",
        chunkFileNames: "[name].js",
        assetFileNames: "console[extname]",
      },
    },
  },
});
