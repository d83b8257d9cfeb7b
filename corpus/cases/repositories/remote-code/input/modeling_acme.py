class AcmeModel:
    pass
