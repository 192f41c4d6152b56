from diffrt.cli import main

if __name__ == "__main__":  # other processes of a fit read this file, too
    main()
