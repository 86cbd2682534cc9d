/*
** What is compiled into SQLite's test program: it loads the library with the engine, makes its VFS the default one, and has Tcl find the
** files of the engine.
**
** ANYSTORAGE_LIBRARY     the library; without it nothing is changed, and the tests run on the host
** ANYSTORAGE_ENGINE      files, redb, sled
** ANYSTORAGE_DIRECTORY   the directory in which the tests run, whose files are those of the engine
** ANYSTORAGE_PLACE       where the engine has its own files
** ANYSTORAGE_TCL         1: Tcl asks the engine for files in that directory, which does not have them by these names
*/
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <tcl.h>
#include "sqlite3.h"

typedef struct Stat { sqlite3_int64 len; sqlite3_int64 modified; int isDirectory; } Stat;

static struct {
  int (*open)(const char *engine, const char *place);
  int (*stat)(const char *path, Stat *out);
  int (*file)(const char *path, int write, int create, int exclusive, int truncate, void **out);
  int (*read)(void *file, sqlite3_int64 offset, void *buf, size_t len, size_t *out);
  int (*write)(void *file, sqlite3_int64 offset, const void *data, size_t len);
  int (*len)(void *file, sqlite3_int64 *out);
  int (*set_len)(void *file, sqlite3_int64 len);
  int (*close)(void *file);
  int (*remove_file)(const char *path);
  int (*create_dir)(const char *path);
  int (*remove_dir)(const char *path, int all);
  int (*rename)(const char *from, const char *to);
  int (*list)(const char *path, void (*each)(void*, const char*, size_t), void *context);
} engine;

static char root[4096];
static size_t rootLen;

/* The path below the root ("" for the root itself), or NULL for one that is elsewhere. It is the end of what was given. */
static const char *below(const char *path){
  if( path==0 || strncmp(path, root, rootLen)!=0 ) return 0;
  if( path[rootLen]==0 ) return path+rootLen;
  return path[rootLen]=='/' ? path+rootLen+1 : 0;
}

/* ---- The VFS: names in the directory are those of the engine, all others of the host. ---- */

static sqlite3_vfs *inner;  /* that of the engine */
static sqlite3_vfs *host;
static sqlite3_vfs outer;
static sqlite3_vfs *asked;  /* the last that was asked for something */

/* Whose file that is, and by which name it knows it. */
static sqlite3_vfs *whose(const char **path){
  const char *inside = below(*path);
  asked = host;
  if( *path==0 || (inside && inside[0]) ){
    /* The rest of the name lies behind it in the same memory, so what SQLite knows of a URI is found. */
    asked = inner;
    *path = inside;
  }
  return asked;
}

/*
** What the tests ask of an open file and only SQLite's own VFS tells: its lock, by `PRAGMA lock_status`, and how many files are open and how
** many syncs there were, in variables. The lock is what SQLite asked for and the engine's VFS granted.
*/
extern int sqlite3_open_file_count, sqlite3_sync_count, sqlite3_fullsync_count;
static const sqlite3_io_methods *innerMethods;
static sqlite3_io_methods methods;

/* It lies behind what the engine's VFS has in the memory of a file. */
static int *lockOf(sqlite3_file *file){ return (int*)((char*)file + (inner->szOsFile+7)/8*8); }

static int fileLock(sqlite3_file *file, int level){
  int *lock = lockOf(file), rc = innerMethods->xLock(file, level);
  if( rc==SQLITE_OK && level>*lock ) *lock = level;
  /* Nobody but readers can be in the way of who has it reserved, and they let nobody in who waits for them. */
  if( rc==SQLITE_BUSY && level==SQLITE_LOCK_EXCLUSIVE && *lock==SQLITE_LOCK_RESERVED ) *lock = SQLITE_LOCK_PENDING;
  return rc;
}
static int fileUnlock(sqlite3_file *file, int level){
  int *lock = lockOf(file), rc = innerMethods->xUnlock(file, level);
  if( rc==SQLITE_OK && level<*lock ) *lock = level;
  return rc;
}
static int fileControl(sqlite3_file *file, int op, void *arg){
  if( op!=SQLITE_FCNTL_LOCKSTATE ) return innerMethods->xFileControl(file, op, arg);
  *(int*)arg = *lockOf(file);
  return SQLITE_OK;
}
static int fileSync(sqlite3_file *file, int flags){
  sqlite3_sync_count++;
  if( (flags & 0x0f)==SQLITE_SYNC_FULL ) sqlite3_fullsync_count++;
  return innerMethods->xSync(file, flags);
}
static int fileClose(sqlite3_file *file){
  sqlite3_open_file_count--;
  return innerMethods->xClose(file);
}

static int outerOpen(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out){
  sqlite3_vfs *one = whose(&path);
  int rc = one->xOpen(one, path, file, flags, out);
  (void)vfs;
  if( rc!=SQLITE_OK || one==host ) return rc;
  if( innerMethods==0 ){
    innerMethods = file->pMethods;
    methods = *innerMethods;
    methods.xLock = fileLock;
    methods.xUnlock = fileUnlock;
    methods.xFileControl = fileControl;
    methods.xSync = fileSync;
    methods.xClose = fileClose;
  }
  file->pMethods = &methods;
  *lockOf(file) = SQLITE_LOCK_NONE;
  sqlite3_open_file_count++;
  return rc;
}
static int outerDelete(sqlite3_vfs *vfs, const char *path, int syncDir){
  sqlite3_vfs *one = whose(&path);
  if( one==inner && syncDir ) sqlite3_sync_count++;
  (void)vfs;
  return one->xDelete(one, path, syncDir);
}
static int outerAccess(sqlite3_vfs *vfs, const char *path, int flags, int *out){
  sqlite3_vfs *one = whose(&path);
  (void)vfs;
  return one->xAccess(one, path, flags, out);
}
static int outerFullPathname(sqlite3_vfs *vfs, const char *path, int n, char *out){
  char name[8192];
  int rc = host->xFullPathname(host, path, n, out);
  const char *inside;
  (void)vfs;
  if( rc!=SQLITE_OK && rc!=SQLITE_OK_SYMLINK ) return rc;
  inside = below(out);
  if( inside && inside[0] ){
    int inner_rc = inner->xFullPathname(inner, inside, (int)sizeof(name), name);
    if( inner_rc!=SQLITE_OK ) return inner_rc;
    if( strcmp(name, inside)!=0 ) return SQLITE_CANTOPEN;
  }
  return rc;
}
static int outerLastError(sqlite3_vfs *vfs, int n, char *out){
  (void)vfs;
  return asked==0 ? 0 : asked->xGetLastError(asked, n, out);
}
/* Not of storage: the clock of the host's VFS is one that the tests set. */
static void *outerDlOpen(sqlite3_vfs *v, const char *z){ (void)v; return host->xDlOpen(host, z); }
static void outerDlError(sqlite3_vfs *v, int n, char *z){ (void)v; host->xDlError(host, n, z); }
static void (*outerDlSym(sqlite3_vfs *v, void *p, const char *z))(void){ (void)v; return host->xDlSym(host, p, z); }
static void outerDlClose(sqlite3_vfs *v, void *p){ (void)v; host->xDlClose(host, p); }
static int outerRandomness(sqlite3_vfs *v, int n, char *z){ (void)v; return host->xRandomness(host, n, z); }
static int outerSleep(sqlite3_vfs *v, int n){ (void)v; return host->xSleep(host, n); }
static int outerCurrentTime(sqlite3_vfs *v, double *r){ (void)v; return host->xCurrentTime(host, r); }
static int outerCurrentTimeInt64(sqlite3_vfs *v, sqlite3_int64 *r){ (void)v; return host->xCurrentTimeInt64(host, r); }

/* ---- The file system of Tcl: the same names. ---- */

static const char *pathOf(Tcl_Obj *path){
  Tcl_Obj *normal = Tcl_FSGetNormalizedPath(NULL, path);
  return normal ? below(Tcl_GetString(normal)) : 0;
}
static int answered(int failure){
  if( failure==0 ) return 0;
  errno = failure;
  Tcl_SetErrno(failure);
  return -1;
}
static int fsHas(Tcl_Obj *path, ClientData *data){
  (void)data;
  return pathOf(path) ? TCL_OK : -1;
}
static int fsStat(Tcl_Obj *path, Tcl_StatBuf *out){
  Stat found;
  if( answered(engine.stat(pathOf(path), &found)) ) return -1;
  memset(out, 0, sizeof(*out));
  out->st_size = found.len;
  out->st_mtime = out->st_ctime = out->st_atime = found.modified;
  out->st_mode = found.isDirectory ? S_IFDIR|0755 : S_IFREG|0644;
  out->st_nlink = 1;
  return 0;
}
static int fsAccess(Tcl_Obj *path, int mode){
  Stat found;
  (void)mode;
  return answered(engine.stat(pathOf(path), &found));
}
static int fsCreateDirectory(Tcl_Obj *path){ return answered(engine.create_dir(pathOf(path))); }
static int fsRemoveDirectory(Tcl_Obj *path, int all, Tcl_Obj **error){
  int failed = answered(engine.remove_dir(pathOf(path), all));
  if( failed && error ){ *error = Tcl_DuplicateObj(path); Tcl_IncrRefCount(*error); }
  return failed;
}
static int fsDelete(Tcl_Obj *path){ return answered(engine.remove_file(pathOf(path))); }
static int fsRename(Tcl_Obj *from, Tcl_Obj *to){
  const char *a = pathOf(from), *b = pathOf(to);
  return a && b ? answered(engine.rename(a, b)) : answered(EXDEV);
}
static int fsChdir(Tcl_Obj *path){
  /* The process has to be there as well, for SQLite's names are relative to that: in an empty directory that Tcl never sees. */
  const char *inside = pathOf(path);
  char real[8192];
  size_t at;
  Stat found;
  if( inside==0 || answered(engine.stat(inside, &found)) ) return -1;
  if( !found.isDirectory ) return answered(ENOTDIR);
  snprintf(real, sizeof(real), "%s/%s", root, inside);
  for(at=rootLen+1; real[at]; at++){
    if( real[at]=='/' ){ real[at] = 0; mkdir(real, 0755); real[at] = '/'; }
  }
  mkdir(real, 0755);
  return chdir(real);
}
static Tcl_Obj *fsSeparator(Tcl_Obj *path){ (void)path; return Tcl_NewStringObj("/", 1); }

typedef struct Match { Tcl_Obj *result; Tcl_Obj *directory; const char *pattern; Tcl_GlobTypeData *types; } Match;

static int hasType(Tcl_Obj *path, Tcl_GlobTypeData *types){
  Stat found;
  if( engine.stat(pathOf(path), &found) ) return 0;
  if( types==0 || types->type==0 || types->type==TCL_GLOB_TYPE_MOUNT ) return types==0 || types->type!=TCL_GLOB_TYPE_MOUNT;
  return (types->type & (found.isDirectory ? TCL_GLOB_TYPE_DIR : TCL_GLOB_TYPE_FILE))!=0;
}
static void matchOne(void *context, const char *name, size_t len){
  Match *match = context;
  Tcl_Obj *part = Tcl_NewStringObj(name, (int)len), *path;
  Tcl_IncrRefCount(part);
  if( Tcl_StringMatch(Tcl_GetString(part), match->pattern) ){
    path = Tcl_FSJoinToPath(match->directory, 1, &part);
    Tcl_IncrRefCount(path);
    if( hasType(path, match->types) ) Tcl_ListObjAppendElement(NULL, match->result, path);
    Tcl_DecrRefCount(path);
  }
  Tcl_DecrRefCount(part);
}
static int fsMatch(Tcl_Interp *interp, Tcl_Obj *result, Tcl_Obj *path, const char *pattern, Tcl_GlobTypeData *types){
  (void)interp;
  if( path==0 ) return TCL_OK;
  if( pattern==0 ){
    if( hasType(path, types) ) Tcl_ListObjAppendElement(NULL, result, path);
    return TCL_OK;
  }
  Match match = { result, path, pattern, types };
  if( pathOf(path) ) engine.list(pathOf(path), matchOne, &match);
  return TCL_OK;
}

/* ---- Channels. ---- */

typedef struct Open { void *file; sqlite3_int64 at; int append; } Open;

static int chInput(ClientData data, char *buf, int wanted, int *failure){
  Open *open = data;
  size_t read = 0;
  *failure = engine.read(open->file, open->at, buf, (size_t)wanted, &read);
  if( *failure ) return -1;
  open->at += (sqlite3_int64)read;
  return (int)read;
}
static int chOutput(ClientData data, const char *buf, int len, int *failure){
  Open *open = data;
  *failure = open->append ? engine.len(open->file, &open->at) : 0;
  if( *failure==0 ) *failure = engine.write(open->file, open->at, buf, (size_t)len);
  if( *failure ) return -1;
  open->at += len;
  return len;
}
static Tcl_WideInt chWideSeek(ClientData data, Tcl_WideInt offset, int mode, int *failure){
  Open *open = data;
  sqlite3_int64 from = 0;
  *failure = 0;
  if( mode==SEEK_CUR ) from = open->at;
  if( mode==SEEK_END ) *failure = engine.len(open->file, &from);
  if( *failure==0 && from+offset<0 ) *failure = EINVAL;
  if( *failure ) return -1;
  return open->at = from + offset;
}
static int chSeek(ClientData data, long offset, int mode, int *failure){ return (int)chWideSeek(data, offset, mode, failure); }
static int chTruncate(ClientData data, Tcl_WideInt len){ return engine.set_len(((Open*)data)->file, len); }
static int chClose(ClientData data, Tcl_Interp *interp){
  Open *open = data;
  int failure = engine.close(open->file);
  (void)interp;
  ckfree((char*)open);
  return failure;
}
static void chWatch(ClientData data, int mask){ (void)data; (void)mask; }

static Tcl_ChannelType channelType = {
  "anystorage", TCL_CHANNEL_VERSION_5, chClose, chInput, chOutput, chSeek, 0, 0, chWatch, 0, 0, 0, 0, 0, chWideSeek, 0, chTruncate
};

static Tcl_Channel fsOpen(Tcl_Interp *interp, Tcl_Obj *path, int mode, int permissions){
  static int number = 0;
  char name[40];
  int writes = (mode & (O_WRONLY|O_RDWR))!=0, reads = (mode & O_WRONLY)==0, failure;
  Open *open = (Open*)ckalloc(sizeof(*open));
  Tcl_Channel channel;
  (void)permissions;
  failure = engine.file(pathOf(path), writes, (mode & O_CREAT)!=0, (mode & O_EXCL)!=0, (mode & O_TRUNC)!=0, &open->file);
  if( answered(failure) ){
    ckfree((char*)open);
    if( interp ){
      Tcl_SetObjResult(interp, Tcl_ObjPrintf("couldn't open \"%s\": %s", Tcl_GetString(path), Tcl_PosixError(interp)));
    }
    return 0;
  }
  open->at = 0;
  open->append = (mode & O_APPEND)!=0;
  snprintf(name, sizeof(name), "anystorage%d", ++number);
  channel = Tcl_CreateChannel(&channelType, name, open, (reads ? TCL_READABLE : 0) | (writes ? TCL_WRITABLE : 0));
  return channel;
}

static const Tcl_Filesystem filesystem = {
  "anystorage", sizeof(Tcl_Filesystem), TCL_FILESYSTEM_VERSION_1, fsHas, 0, 0, 0, 0, 0, 0, fsSeparator, fsStat, fsAccess, fsOpen, fsMatch,
  0, 0, 0, 0, 0, 0, fsCreateDirectory, fsRemoveDirectory, fsDelete, 0, fsRename, 0, 0, 0, 0, fsChdir
};

/* ---- The start. ---- */

static void *found(void *library, const char *name){
  void *symbol = library ? dlsym(library, name) : 0;
  if( symbol==0 ){
    fprintf(stderr, "anystorage: %s\n", dlerror());
    exit(70);
  }
  return symbol;
}

static void load(const char *path){
  const char *name = getenv("ANYSTORAGE_ENGINE"), *directory = getenv("ANYSTORAGE_DIRECTORY"), *place = getenv("ANYSTORAGE_PLACE");
  const char *tcl = getenv("ANYSTORAGE_TCL");
  void *library = dlopen(path, RTLD_NOW|RTLD_LOCAL);
  engine.open = found(library, "anystorage_tests_open");
  engine.stat = found(library, "anystorage_tests_stat");
  engine.file = found(library, "anystorage_tests_file");
  engine.read = found(library, "anystorage_tests_read");
  engine.write = found(library, "anystorage_tests_write");
  engine.len = found(library, "anystorage_tests_len");
  engine.set_len = found(library, "anystorage_tests_set_len");
  engine.close = found(library, "anystorage_tests_close");
  engine.remove_file = found(library, "anystorage_tests_remove_file");
  engine.create_dir = found(library, "anystorage_tests_create_dir");
  engine.remove_dir = found(library, "anystorage_tests_remove_dir");
  engine.rename = found(library, "anystorage_tests_rename");
  engine.list = found(library, "anystorage_tests_list");
  if( name==0 || directory==0 || place==0 || realpath(directory, root)==0 ){
    fprintf(stderr, "anystorage: an engine, a directory and a place are wanted\n");
    exit(70);
  }
  rootLen = strlen(root);
  if( engine.open(name, place) ) exit(71);
  inner = sqlite3_vfs_find("anystorage");
  if( tcl && tcl[0]=='1' ) Tcl_FSRegister(0, &filesystem);
}

/* SQLite calls it each time that it was initialised, which is when it has forgotten which VFS was the default one. */
int anystorage_extra_init(const char *unused){
  const char *library = getenv("ANYSTORAGE_LIBRARY");
  (void)unused;
  if( library==0 || library[0]==0 ) return SQLITE_OK;
  host = sqlite3_vfs_find("unix");
  if( inner==0 ) load(library);
  if( inner==0 || host==0 ) return SQLITE_ERROR;
  if( outer.zName==0 ){
    outer.iVersion = 2;
    outer.szOsFile = inner->szOsFile + 8 + (int)sizeof(int);
    if( outer.szOsFile<host->szOsFile ) outer.szOsFile = host->szOsFile;
    outer.mxPathname = host->mxPathname;
    outer.zName = "anystorage-tests";
    outer.xOpen = outerOpen;
    outer.xDelete = outerDelete;
    outer.xAccess = outerAccess;
    outer.xFullPathname = outerFullPathname;
    outer.xGetLastError = outerLastError;
    outer.xDlOpen = outerDlOpen;
    outer.xDlError = outerDlError;
    outer.xDlSym = outerDlSym;
    outer.xDlClose = outerDlClose;
    outer.xRandomness = outerRandomness;
    outer.xSleep = outerSleep;
    outer.xCurrentTime = outerCurrentTime;
    outer.xCurrentTimeInt64 = outerCurrentTimeInt64;
  }
  return sqlite3_vfs_register(&outer, 1);
}
